// Passwords: which are strong enough, how they are hashed, and how many are hashed at once. The only home of argon2.
import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";

import { dictionary } from "@zxcvbn-ts/language-common";
import argon2 from "argon2";
import pLimit from "p-limit";

import { AccountError } from "./account-error.ts";
import { foldCase } from "./fold-case.ts";

/** OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, 2 passes, 1 lane. */
const PARAMETERS = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
const MAX_LENGTH = 128;
/** Hashes that may wait for their turn; on two cores about eight seconds' worth, after which a refusal serves better. */
const MAX_WAITING = 400;

/** One instance a process: the limit on hashing at the same time is its. */
export class Passwords {
  readonly #minLength: number;
  readonly #common: ReadonlySet<string>;
  // One core is left for everything else, or a storm of logins would stop the whole server.
  readonly #turn = pLimit(Math.max(1, availableParallelism() - 1));
  /** What an unknown user's password is compared with, so that it costs the same as a known one's. */
  readonly #decoy: Promise<string>;

  constructor(minLength: number) {
    this.#minLength = minLength;
    this.#common = new Set(dictionary["passwords-common"]);
    this.#decoy = argon2.hash(randomBytes(16), PARAMETERS);
  }

  /**
   * NIST SP 800-63B: a minimum length and a list of common passwords, no rules of composition.
   * @throws {AccountError} WEAK_PASSWORD
   */
  checkStrength(password: string, owner: { username: string; email: string }, field = "password"): void {
    const fault = this.#weakness(password, owner);
    if (fault) throw new AccountError("WEAK_PASSWORD", fault, { field });
  }

  /** @throws {AccountError} SERVER_BUSY */
  hash(password: string): Promise<string> {
    return this.#inTurn(() => argon2.hash(password, PARAMETERS));
  }

  /**
   * Whether `password` made `hash`; null stands for an unknown user and takes the same time.
   * @throws {AccountError} SERVER_BUSY
   */
  async verify(hash: string | null, password: string): Promise<boolean> {
    // Longer ones were never accepted, whoever the user is, so the answer tells nothing.
    if (isLongerThan(password, MAX_LENGTH)) return false;
    const compared = hash ?? (await this.#decoy);
    const matches = await this.#inTurn(() => argon2.verify(compared, password));
    return matches && hash !== null;
  }

  /** Whether the hash was made with weaker parameters than those in force. */
  isOutdated(hash: string): boolean {
    const cost = (name: string) =>
      Number(new RegExp(`^\\$argon2id\\$v=19\\$.*?\\b${name}=(\\d+)`).exec(hash)?.[1] ?? 0);
    return cost("m") < PARAMETERS.memoryCost || cost("t") < PARAMETERS.timeCost;
  }

  #weakness(password: string, owner: { username: string; email: string }): string | undefined {
    // Code points, as a person counts characters, not UTF-16 units.
    if (!isLongerThan(password, this.#minLength - 1))
      return `The password needs at least ${this.#minLength} characters.`;
    if (isLongerThan(password, MAX_LENGTH)) return `The password may have at most ${MAX_LENGTH} characters.`;
    const folded = password.toLowerCase();
    if (this.#common.has(folded)) return "The password is one of the most common ones: choose another.";
    if (folded === foldCase(owner.username) || folded === foldCase(owner.email)) {
      return "The password may not be the username or the email address.";
    }
    return undefined;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#turn.pendingCount >= MAX_WAITING) {
      throw new AccountError("SERVER_BUSY", "The server is busy: try again in a moment.");
    }
    return this.#turn(work);
  }
}

function isLongerThan(text: string, codePoints: number): boolean {
  // A code point takes one or two units, so most lengths are decided without walking the text.
  if (text.length <= codePoints) return false;
  if (text.length > codePoints * 2) return true;
  return Array.from(text).length > codePoints;
}
