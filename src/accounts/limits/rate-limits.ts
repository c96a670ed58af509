// Refuses what is tried too often. The use cases count their tries themselves, so aliases, batches and names of operations change
// nothing; and they do so before any work whose result could tell whether an account exists.
import { hash, hkdfSync } from "node:crypto";

import type { EntityManager } from "@mikro-orm/postgresql";
import { LRUCache } from "lru-cache";
import pLimit from "p-limit";

import { clientOf, type RequestSource } from "../model/request-source.ts";
import type { User } from "../model/user.entity.ts";
import { AccountError } from "../rules/account-error.ts";
import { foldCase } from "../rules/fold-case.ts";
import { RATE_LIMITS, type Challenged, type RateLimit, type RateLimitName } from "../rules/rate-limits.ts";
import type { AuditTrail } from "../store/audit-trail.ts";
import { CHALLENGE_SECONDS, type Challenges } from "./challenges.ts";
import type { Counted, Counts, Refusal } from "./counts.ts";
import { OwnCounts } from "./own-counts.ts";
import { SharedCounts } from "./shared-counts.ts";

/** A refused try is refused again without asking PostgreSQL, or a flood of them would cost it as much as logins do. */
const REFUSAL_KEPT_MS = 2_000;
const REFUSALS_KEPT = 10_000;
/** At most so many connections wait where the table does not answer, so that the rest of the server has its own. */
const CONNECTIONS_MAX = 4;
const ANSWERS_WITHIN_MS = 3_000;
const OWN_COUNTS_FOR_MS = 10_000;
/** How often a refusal of the same kind is recorded in the audit trail, and the alarm in the log. */
const RECORDED_EVERY: RateLimit = { max: 1, seconds: 60 };

/** What a limit counts by, such as an IP address. */
type Tries = Partial<Record<RateLimitName, string>>;

interface About {
  /** Whose account it is about; null if nobody's is known. */
  readonly user: User | null;
  readonly source: RequestSource;
}

/** A try that has been counted. */
interface CountedTry {
  /** Takes it back, because it turned out to be none that the limits are for. */
  giveBack(): void;
}

const NOT_COUNTED: CountedTry = { giveBack: () => undefined };

/** Is told of each limit that a refused try has met. */
export interface LimitsObserver {
  met(limit: RateLimitName): void;
}

export interface RateLimitsOptions {
  readonly em: EntityManager;
  readonly auditTrail: AuditTrail;
  /** Of which the key is derived that hides names and addresses in the table. */
  readonly secret: string;
  readonly challenges: Challenges;
  /** Whether a challenge is asked for never, when a limit of `challenge-` is met, or always. */
  readonly challenge: "off" | "auto" | "always";
  /** Maxima that replace those of RATE_LIMITS; null turns all limits off. */
  readonly maxima: Partial<Record<RateLimitName, number>> | null;
  readonly observer?: LimitsObserver | undefined;
  /** Tells the operator. */
  readonly warn: (message: string, cause?: unknown) => void;
}

export class RateLimits {
  readonly #options: RateLimitsOptions;
  readonly #key: string;
  readonly #shared: SharedCounts;
  readonly #own = new OwnCounts();
  readonly #turn = pLimit(CONNECTIONS_MAX);
  readonly #refusals = new LRUCache<string, number>({ max: REFUSALS_KEPT, ttl: REFUSAL_KEPT_MS });
  #ownUntil = 0;

  constructor(options: RateLimitsOptions) {
    this.#options = options;
    this.#key = Buffer.from(
      hkdfSync("sha256", options.secret, "", "account-server/rate-limits", 32),
    ).toString("hex");
    this.#shared = new SharedCounts(options.em, options.warn);
  }

  /**
   * Counts a guess of a password before it is made, and takes it back if it was none.
   * @param account the name that was given, or the user whose session or link it is. A name counts as it was given, whoever
   *   has it: if username and email address were counted together, the limit of one would tell that the other belongs to it.
   * @param device the device, if it has logged in to that account before: others' guesses do not count for it
   * @param guess compares the password; answers null, or what refuses it
   * @throws {AccountError} RATE_LIMITED, CHALLENGE_REQUIRED, or what `guess` throws because nothing was compared
   */
  async tryPassword<Refused>(
    account: string | User,
    device: string | null,
    about: About,
    guess: () => Promise<Refused | null>,
  ): Promise<Refused | null> {
    const client = clientOf(about.source);
    const whose = typeof account === "string" ? `name ${foldCase(account)}` : `user ${account.id}`;
    const counted = await this.#count(
      device === null
        ? {
            "password-address": client,
            "password-address-day": client,
            "password-account-address": `${whose} ${client}`,
            "password-account": whose,
          }
        : { "password-device": device },
      about,
      // Only `login` takes a solution. Whoever else gives a password has a session or a mailed link.
      device === null && typeof account === "string" ? "login" : undefined,
    );
    try {
      const refused = await guess();
      if (refused === null) counted.giveBack();
      return refused;
    } catch (error) {
      counted.giveBack();
      throw error;
    }
  }

  /**
   * Counts a registration, and the email that it sends.
   * @throws {AccountError} RATE_LIMITED, CHALLENGE_REQUIRED
   */
  async tryRegistration(email: string, source: RequestSource): Promise<void> {
    const client = clientOf(source);
    const registration = { "register-address": client, "register-address-day": client };
    await this.#count({ ...registration, ...mail(email, source) }, { user: null, source }, "register");
  }

  /**
   * Counts an email that anybody can have sent.
   * @param challenged what may ask for a challenge; nothing does if it is missing
   * @throws {AccountError} RATE_LIMITED, CHALLENGE_REQUIRED
   */
  async tryMail(email: string, source: RequestSource, challenged?: Challenged): Promise<void> {
    await this.#count(mail(email, source), { user: null, source }, challenged);
  }

  /** Gives back what was counted and not tried. */
  close(): Promise<void> {
    return this.#shared.close();
  }

  /** @returns how many counts would have begun anew */
  removeOld(): Promise<number> {
    return this.#shared.removeOld();
  }

  async #count(hard: Tries, about: About, challenged?: Challenged): Promise<CountedTry> {
    if (about.source.isOperator) return NOT_COUNTED;
    const tries = { ...hard, ...(challenged && (await this.#challenge(challenged, about.source))) };
    const { maxima } = this.#options;
    if (maxima === null) return NOT_COUNTED;
    const names = new Map<string, RateLimitName>();
    const counted = Object.entries(tries).map(([text, whom]) => {
      const name = text as RateLimitName;
      const key = this.#keyOf(name, whom);
      names.set(key, name);
      return { key, limit: { ...RATE_LIMITS[name], max: maxima[name] ?? RATE_LIMITS[name].max } };
    });
    const { refusal, counts } = this.#refusedLately(counted) ?? (await this.#take(counted));
    if (refusal) {
      const met = refusal.keys.flatMap((key) => names.get(key) ?? []);
      for (const name of met) this.#options.observer?.met(name);
      if (met.every((name) => name.startsWith("challenge-"))) throw await this.#challengeRequired();
      await this.#tell(refusal, met, about);
      throw rateLimited(met, refusal.retryAfterSeconds);
    }
    return { giveBack: () => counts.giveBack(counted) };
  }

  /**
   * The limit beyond which a challenge is asked for; none if the client has solved one.
   * @throws {AccountError} CHALLENGE_REQUIRED if one is asked for always
   */
  async #challenge(challenged: Challenged, { challengeSolution }: RequestSource): Promise<Tries> {
    const { challenge, challenges } = this.#options;
    if (challenge === "off") return {};
    const solved = challengeSolution === undefined ? null : await challenges.solved(challengeSolution);
    if (solved !== null) {
      const once = { key: this.#keyOf("challenge", solved), limit: { max: 1, seconds: CHALLENGE_SECONDS } };
      if ((await this.#take([once])).refusal === null) return {};
    }
    if (challenge === "always") throw await this.#challengeRequired();
    return { [`challenge-${challenged}`]: "" };
  }

  async #challengeRequired(): Promise<AccountError> {
    return new AccountError(
      "CHALLENGE_REQUIRED",
      "Solve the challenge in extensions.challenge, and send the operation again with its challengeSolution.",
      { challenge: await this.#options.challenges.create() },
    );
  }

  #refusedLately(counted: readonly Counted[]): { refusal: Refusal; counts: Counts } | null {
    const keys = counted.map(({ key }) => key).filter((key) => this.#refusals.has(key));
    if (keys.length === 0) return null;
    const until = Math.max(...keys.map((key) => this.#refusals.get(key) ?? 0));
    const retryAfterSeconds = Math.max(1, Math.ceil((until - Date.now()) / 1000));
    return { refusal: { keys, retryAfterSeconds }, counts: this.#own };
  }

  /** The wait for a turn is not the table's: a flood must not make each server count by itself, and let more guesses through. */
  #take(counted: readonly Counted[]): Promise<{ refusal: Refusal | null; counts: Counts }> {
    return this.#turn(async () => {
      if (Date.now() >= this.#ownUntil) {
        try {
          return { refusal: await answerInTime(this.#shared.take(counted)), counts: this.#shared };
        } catch (error) {
          this.#countAlone(error);
        }
      }
      return { refusal: await this.#own.take(counted), counts: this.#own };
    });
  }

  #countAlone(error: unknown): void {
    const isNews = Date.now() >= this.#ownUntil;
    this.#ownUntil = Date.now() + OWN_COUNTS_FOR_MS;
    if (!isNews) return; // several waited for the same
    this.#options.warn(
      "The table of rate limits does not answer. This server counts by itself meanwhile.",
      error,
    );
  }

  /** A flood of refusals must not become a flood of events. */
  async #tell(refusal: Refusal, met: readonly RateLimitName[], { user, source }: About): Promise<void> {
    const until = Date.now() + refusal.retryAfterSeconds * 1000;
    const news = refusal.keys.filter((key) => !this.#refusals.has(key));
    for (const key of news) this.#refusals.set(key, until);
    if (news.length === 0) return;
    const once = news.map((key) => ({ key: this.#keyOf("recorded", key), limit: RECORDED_EVERY }));
    const { refusal: isKnown } = await this.#take(once);
    if (isKnown) return;
    await this.#options.auditTrail.record(this.#options.em, "RATE_LIMITED", { user, source, actor: null });
    if (met.includes("mail-total"))
      this.#options.warn("The rate limit mail-total is met: no more emails are sent on request for now.");
  }

  /**
   * Two of a kind are never equal by chance: 128 bits. Half of a hash tells nothing that could be extended, so it needs no HMAC,
   * which takes twenty times as long.
   */
  #keyOf(name: string, whom: string): string {
    return hash("sha256", `${this.#key} ${name} ${whom}`).slice(0, 32);
  }
}

function mail(email: string, source: RequestSource): Tries {
  const [recipient, client] = [foldCase(email), clientOf(source)];
  return {
    "mail-recipient": recipient,
    "mail-recipient-day": recipient,
    "mail-address": client,
    "mail-address-day": client,
    "mail-total": "",
  };
}

async function answerInTime<T>(answer: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`no answer in ${ANSWERS_WITHIN_MS} ms`)),
    ANSWERS_WITHIN_MS,
  );
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function rateLimited(met: readonly RateLimitName[], retryAfterSeconds: number): AccountError {
  const what = met.some((name) => name.startsWith("password"))
    ? "There were too many wrong passwords."
    : met.some((name) => name.startsWith("mail-recipient"))
      ? "This email address was sent several emails lately. Look for them, in the spam folder too."
      : "There were too many requests from your network.";
  const options = { retryAfterSeconds };
  return new AccountError("RATE_LIMITED", `${what} Try again in ${inWords(retryAfterSeconds)}.`, options);
}

function inWords(seconds: number): string {
  const [count, unit] =
    seconds < 90
      ? [seconds, "second"]
      : seconds < 90 * 60
        ? [Math.ceil(seconds / 60), "minute"]
        : [Math.ceil(seconds / 3600), "hour"];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
