// Decides which passwords are strong enough, and how many may wait to be hashed.
import { onceAWhile, type Logger } from "../../log.ts";
import { clientOf, type RequestSource } from "../model/request-source.ts";
import { AccountError } from "../rules/account-error.ts";
import type { BreachedPasswords } from "./breached-passwords.ts";
import {
  decoyOf,
  isOutdated,
  pepperVersionOf,
  withPepperVersion,
  workOf,
  workOfNew,
  type WorkFactor,
} from "./hash-formats.ts";
import type { Hashing } from "./hashing.ts";
import { Turns, type HashingObserver } from "./turns.ts";
import { WeakPasswords } from "./weak-passwords.ts";

const MAX_LENGTH = 128;
/** Passwords that may wait to be hashed: about eight seconds' worth on two cores. Beyond that, a refusal serves better. */
const MAX_WAITING = 400;
/** How many kinds of hashes a refused login may compute at most. */
const MAX_WORKS = 6;

/** A key that goes into each hash and is not in the database, so that a stolen database alone is of no use to guess with. */
export interface Pepper {
  readonly version: number;
  /** At least 32 bytes, in base64. */
  readonly key: string;
}

export interface PasswordsParts {
  readonly hashing: Hashing;
  readonly minLength: number;
  /** The name of the product, which is no password. */
  readonly appName: string;
  readonly workFactor: WorkFactor;
  /** The first goes into new hashes; all of them verify. */
  readonly peppers: readonly Pepper[];
  readonly breached: BreachedPasswords;
  readonly log: Logger;
  readonly observer?: HashingObserver | undefined;
}

/** One instance for each process, because it limits how many passwords are hashed at once. */
export class Passwords {
  /** Of a new password, in code points. */
  readonly minLength: number;
  readonly maxLength = MAX_LENGTH;
  readonly #parts: PasswordsParts;
  readonly #weak: WeakPasswords;
  readonly #turns: Turns;
  readonly #missingPeppers = new Set<number>();
  /** The works of the hashes in the database, most frequent first; those made now are among them. */
  #works: Promise<ReadonlySet<string>>;

  constructor(parts: PasswordsParts) {
    this.#parts = parts;
    this.minLength = parts.minLength;
    this.#turns = new Turns(parts.hashing.concurrency, MAX_WAITING, this.#observed(parts));
    this.#weak = new WeakPasswords(parts.minLength, parts.appName);
    this.#works = Promise.resolve(this.#mostFrequent([]));
  }

  /**
   * Hashes a password that somebody has chosen, if it is good enough: NIST SP 800-63B asks for a minimum length and for a list of
   * common, expected and breached passwords, and for no composition rules. May ask a service, so hold no transaction.
   * @param options.beforeAsking runs once the password is good enough by all that this server knows itself
   * @throws {AccountError} WEAK_PASSWORD, SERVER_BUSY, and what `beforeAsking` throws
   */
  async hashNew(
    password: string,
    owner: { username: string; email: string },
    source: RequestSource,
    { field = "password", beforeAsking }: { field?: string; beforeAsking?: () => Promise<void> } = {},
  ): Promise<string> {
    const refuse = (fault: string | undefined) => {
      if (fault !== undefined) throw new AccountError("WEAK_PASSWORD", fault, { field });
    };
    refuse(this.#weakness(password, owner));
    await beforeAsking?.();
    refuse(await this.#breach(password));
    return this.#hash(password, source);
  }

  /**
   * Whether somebody can have this password. One that is too long is refused whoever the user is, before anything is looked up,
   * hashed or recorded: a refusal that costs nothing must leave nothing.
   */
  isPossible(password: string): boolean {
    return !isLongerThan(password, MAX_LENGTH);
  }

  /**
   * Whether `password` made `hash`. Null stands for an unknown user and takes the time of a hash that is made now.
   * @throws {AccountError} SERVER_BUSY
   */
  async verify(hash: string | null, password: string, source: RequestSource): Promise<boolean> {
    const isMatch = await this.#inTurn(source, () => this.#matches(hash ?? this.#decoy, password));
    return isMatch && hash !== null;
  }

  /**
   * Does the work of all other kinds of hashes in the database, after `hash` was verified for a login that is refused. So every
   * refusal takes as long, whatever kind of hash the account has, or if there is no account.
   * @throws {AccountError} SERVER_BUSY
   */
  async evenOut(hash: string | null, password: string, source: RequestSource): Promise<void> {
    const done = workOf(hash ?? this.#decoy);
    const works = await this.#works;
    if (!works.has(done)) this.#works = Promise.resolve(this.#mostFrequent([...works, done]));
    for (const work of works) {
      if (work !== done) await this.#inTurn(source, () => this.#matches(decoyOf(work), password));
    }
  }

  /**
   * Refused logins wait until the works are known.
   * @param works of the hashes in the database (workOf), most frequent first
   */
  async learnWorks(works: Promise<readonly string[]>): Promise<void> {
    const before = this.#works;
    const known = works.then((some) => this.#mostFrequent(some));
    this.#works = known.catch(() => before);
    await known;
  }

  #mostFrequent(works: readonly string[]): ReadonlySet<string> {
    return new Set([...new Set([workOfNew(this.#parts.workFactor), ...works])].slice(0, MAX_WORKS));
  }

  /**
   * Makes a hash in the place of one that verified the password, if that is not as new ones are.
   * @returns null if it is, or if the server is too busy now
   */
  async upgrade(hash: string, password: string, source: RequestSource): Promise<string | null> {
    if (!isOutdated(hash, this.#parts.workFactor, this.#parts.peppers[0]?.version ?? null)) return null;
    try {
      return await this.#hash(password, source);
    } catch (error) {
      // SERVER_BUSY is no reason to refuse the right password: the next login tries again.
      if (error instanceof AccountError) return null;
      throw error;
    }
  }

  #observed({ observer, log }: PasswordsParts): HashingObserver {
    const tellFull = onceAWhile(() =>
      log.warn(`${MAX_WAITING} passwords wait to be hashed: more are refused with SERVER_BUSY`),
    );
    return {
      waiting: (count) => observer?.waiting(count),
      hashed: (waitedSeconds, workedSeconds) => observer?.hashed(waitedSeconds, workedSeconds),
      refused: () => {
        tellFull();
        observer?.refused();
      },
    };
  }

  get #decoy(): string {
    return decoyOf(workOfNew(this.#parts.workFactor));
  }

  #weakness(password: string, owner: { username: string; email: string }): string | undefined {
    const { minLength } = this;
    // Counted in code points, as people count characters, not in UTF-16 units.
    if (!isLongerThan(password, minLength - 1))
      return `The password must have at least ${minLength} characters.`;
    if (isLongerThan(password, MAX_LENGTH)) return `The password must have at most ${MAX_LENGTH} characters.`;
    return this.#weak.fault(password, owner);
  }

  async #breach(password: string): Promise<string | undefined> {
    if (!(await this.#parts.breached.has(password))) return undefined;
    return "This password was stolen in a data breach of some site, so attackers try it. Choose another one.";
  }

  async #hash(password: string, source: RequestSource): Promise<string> {
    const { hashing, workFactor, peppers } = this.#parts;
    const [pepper] = peppers;
    const hash = await this.#inTurn(source, () => hashing.hash(password, workFactor, pepper?.key));
    return pepper ? withPepperVersion(hash, pepper.version) : hash;
  }

  async #matches(hash: string, password: string): Promise<boolean> {
    const version = pepperVersionOf(hash);
    const pepper = this.#parts.peppers.find((candidate) => candidate.version === version);
    // Without its pepper a hash matches nothing, and takes its time.
    const isMatch = await this.#parts.hashing.matches(hash, password, pepper?.key);
    if (version === null || pepper) return isMatch;
    this.#tellMissing(version);
    return false;
  }

  #tellMissing(version: number): void {
    if (this.#missingPeppers.has(version)) return;
    this.#missingPeppers.add(version);
    this.#parts.log.error(
      `Some passwords were hashed with version ${version} of PASSWORD_PEPPER, which is not configured: their owners cannot log in.`,
    );
  }

  #inTurn<T>(source: RequestSource, work: () => Promise<T>): Promise<T> {
    return this.#turns.take(clientOf(source), work, source.gone);
  }
}

function isLongerThan(text: string, codePoints: number): boolean {
  // A code point takes one or two UTF-16 units, so most lengths are decided without walking the text.
  if (text.length <= codePoints) return false;
  if (text.length > codePoints * 2) return true;
  return Array.from(text).length > codePoints;
}
