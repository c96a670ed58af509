// People who register, log in, change their name and log out without a pause, and remember each answer: what was acknowledged must hold.
import { setTimeout as delay } from "node:timers/promises";

import { expect } from "vitest";

import type { Answer, GraphQLDoor } from "../support/graphql.ts";
import { PASSWORD } from "../support/server.ts";
import { tokenIn, type ReceivedMail, type SmtpCatcher } from "../support/smtp.ts";
import { PATIENCE } from "./cluster.ts";

const CLIENTS = 6;
const LOGINS_EACH = 2;
/** Most of what is done needs no hashing, which waits for whatever else runs on the machine. */
const NAMES_EACH = 4;
/** After a refusal, as a person would. */
const PAUSE_MS = 100;
/** Whoever gets no email for so long registers anew. */
const EMAIL_AWAITED_MS = 10_000;

/** What one person knows of the own account. After a change without an answer, either may be so, and the person does not go on. */
interface Person {
  readonly email: string;
  /** Those that it may have now. */
  names: string[];
  isRenamed: boolean;
  isConfirmed: "no" | "acknowledged" | "unknown";
  /** By their access tokens. */
  readonly sessions: Map<string, "live" | "ended" | "unknown">;
}

/** So that no two loads have people of the same name. */
let registered = 0;

export class Load {
  readonly #doors: readonly GraphQLDoor[];
  readonly #smtp: SmtpCatcher;
  readonly #people: Person[] = [];
  /** When each answer came that acknowledged something. */
  readonly #acknowledged: number[] = [];
  /** How often each error was the answer. */
  readonly refusals: Record<string, number> = {};
  #isOver = false;
  readonly #clients: Promise<unknown>;

  /** Begins at once. */
  constructor(doors: readonly GraphQLDoor[], smtp: SmtpCatcher) {
    this.#doors = doors;
    this.#smtp = smtp;
    this.#clients = Promise.all(Array.from({ length: CLIENTS }, () => this.#client()));
  }

  get acknowledged(): number {
    return this.#acknowledged.length;
  }

  /** Resolves once so many more answers have acknowledged something. */
  async acknowledges(more: number): Promise<void> {
    const wanted = this.acknowledged + more;
    await expect.poll(() => this.acknowledged, PATIENCE).toBeGreaterThanOrEqual(wanted);
  }

  /** Resolves once nothing has been acknowledged for so long. */
  async isSilentFor(milliseconds: number): Promise<void> {
    const silence = () => performance.now() - (this.#acknowledged.at(-1) ?? 0);
    await expect.poll(silence, PATIENCE).toBeGreaterThan(milliseconds);
  }

  /** The longest time since `begin` in which nothing was acknowledged. */
  longestSilenceSeconds(begin: number): number {
    const before = this.#acknowledged.findLast((at) => at < begin) ?? begin;
    const moments = [before, ...this.#acknowledged.filter((at) => at >= begin)];
    const pauses = moments.slice(1).map((at, index) => at - moments[index]!);
    return Math.max(0, ...pauses) / 1000;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#clients;
  }

  /**
   * What was acknowledged and does not hold, a line for each answer.
   * @throws {Error} if a server does not answer, which must be well by now
   */
  async lost(): Promise<string[]> {
    const lost: string[] = [];
    for (const person of this.#people) lost.push(...(await this.#lostOf(person)));
    return lost;
  }

  async #client(): Promise<void> {
    while (!this.#isOver) {
      if ((await this.#live().catch(String)) !== undefined) await delay(PAUSE_MS);
    }
  }

  /** One life, up to the first answer that is missing. */
  async #live(): Promise<void> {
    const username = `person${(registered += 1)}`;
    const person: Person = {
      email: `${username}@example.com`,
      names: [username],
      isRenamed: false,
      isConfirmed: "no",
      sessions: new Map(),
    };
    await this.#ask(this.#door().register({ username, email: person.email, password: PASSWORD }));
    this.#people.push(person);

    const token = tokenIn(await this.#mailTo(person));
    person.isConfirmed = "unknown";
    const confirmed = await this.#ask(this.#door().finalizeRegistration({ token }));
    person.isConfirmed = "acknowledged";
    person.sessions.set(confirmed.accessToken, "live");

    for (let login = 0; login < LOGINS_EACH && !this.#isOver; login += 1) {
      const { accessToken } = await this.#ask(
        this.#door().login({ username: person.email, password: PASSWORD }),
      );
      person.sessions.set(accessToken, "live");
      for (let count = 0; count < NAMES_EACH; count += 1) {
        const name = `${username}-${login}${count}`;
        person.names.push(name);
        await this.#ask(this.#door().as(accessToken).changeUsername({ username: name }));
        Object.assign(person, { names: [name], isRenamed: true });
      }
      if (login === 0) continue; // that session stays
      person.sessions.set(accessToken, "unknown");
      await this.#ask(this.#door().as(accessToken).logout());
      person.sessions.set(accessToken, "ended");
    }
  }

  #door(): GraphQLDoor {
    return this.#doors[Math.floor(Math.random() * this.#doors.length)]!;
  }

  /** @throws {Error} unless it is acknowledged */
  async #ask<Data>(asked: Promise<Answer<Data>>): Promise<Data> {
    const { data, errors } = await asked;
    if (errors.length === 0 && data) {
      this.#acknowledged.push(performance.now());
      return data;
    }
    const code = errors[0]?.extensions.code ?? "nothing";
    this.refusals[code] = (this.refusals[code] ?? 0) + 1;
    throw new Error(code);
  }

  async #mailTo({ email }: Person): Promise<ReceivedMail> {
    const begin = performance.now();
    for (;;) {
      const mail = this.#received(email);
      if (mail) return mail;
      if (this.#isOver || performance.now() - begin > EMAIL_AWAITED_MS) throw new Error("no email");
      await delay(20);
    }
  }

  #received(email: string): ReceivedMail | undefined {
    return this.#smtp.received.find(({ recipients }) => recipients.includes(email));
  }

  async #lostOf(person: Person): Promise<string[]> {
    const door = this.#door();
    const lost: string[] = [];
    const lose = (what: string) => lost.push(`${what} of ${person.email}`);
    const mail = this.#received(person.email);
    if (!mail) lose("email");

    let names: (string | undefined)[] = [];
    for (const [accessToken, state] of person.sessions) {
      const { data, errors } = served(await door.as(accessToken).me());
      const isLive = errors.length === 0;
      if (isLive) names.push(data!.username);
      if (state !== "unknown" && isLive !== (state === "live")) lose(state === "live" ? "login" : "logout");
    }
    if (names.length === 0) {
      // Nothing shows yet that the account is there.
      const pending = mail && (await door.pendingAccount({ token: tokenIn(mail) }));
      const login = served(await door.login({ username: person.email, password: PASSWORD }));
      const code = login.errors[0]?.extensions.code ?? "OK";
      if (pending?.data) names = [pending.data.username];
      else if (code === "OK") names = [(await door.as(login.data!.accessToken).me()).data?.username];
      else if (code !== "ACCOUNT_NOT_ACTIVATED") lose("registration");
      if (code !== "OK" && person.isConfirmed === "acknowledged") lose("confirmation");
    }
    if (person.isRenamed && !names.every((name) => person.names.includes(name ?? ""))) lose("change of name");
    return lost;
  }
}

function served<Data>(answer: Answer<Data>): Answer<Data> {
  const code = answer.errors[0]?.extensions.code;
  if (code === "SERVICE_UNAVAILABLE") throw new Error("a server still answers SERVICE_UNAVAILABLE");
  return answer;
}
