// Decides which passwords are strong enough, and how many may wait to be hashed.
import { dictionary } from "@zxcvbn-ts/language-common";
import pLimit, { type LimitFunction } from "p-limit";

import { AccountError } from "../rules/account-error.ts";
import { foldCase } from "../rules/fold-case.ts";
import { DECOY } from "./hash-formats.ts";
import type { Hashing } from "./hashing.ts";

const MAX_LENGTH = 128;
/** Passwords that may wait to be hashed: about eight seconds' worth on two cores. Beyond that, a refusal serves better. */
const MAX_WAITING = 400;

/** One instance for each process, because it limits how many passwords are hashed at once. */
export class Passwords {
  readonly #minLength: number;
  readonly #common: ReadonlySet<string>;
  readonly #hashing: Hashing;
  readonly #turn: LimitFunction;

  constructor(hashing: Hashing, minLength: number) {
    this.#hashing = hashing;
    this.#turn = pLimit(hashing.concurrency);
    this.#minLength = minLength;
    this.#common = new Set(dictionary["passwords-common"]);
  }

  /**
   * NIST SP 800-63B: a minimum length and a list of common passwords, no composition rules.
   * @throws {AccountError} WEAK_PASSWORD
   */
  checkStrength(password: string, owner: { username: string; email: string }, field = "password"): void {
    const fault = this.#weakness(password, owner);
    if (fault) throw new AccountError("WEAK_PASSWORD", fault, { field });
  }

  /** @throws {AccountError} SERVER_BUSY */
  hash(password: string): Promise<string> {
    return this.#inTurn(() => this.#hashing.hash(password));
  }

  /**
   * Whether somebody can have this password. One that is too long is refused whoever the user is, before anything is looked up,
   * hashed or recorded: a refusal that costs nothing must leave nothing.
   */
  isPossible(password: string): boolean {
    return !isLongerThan(password, MAX_LENGTH);
  }

  /**
   * Whether `password` made `hash`. Null stands for an unknown user and takes the same time.
   * @throws {AccountError} SERVER_BUSY
   */
  async verify(hash: string | null, password: string): Promise<boolean> {
    const isMatch = await this.#inTurn(() => this.#hashing.matches(hash ?? DECOY, password));
    return isMatch && hash !== null;
  }

  #weakness(password: string, owner: { username: string; email: string }): string | undefined {
    // Counted in code points, as people count characters, not in UTF-16 units.
    if (!isLongerThan(password, this.#minLength - 1))
      return `The password must have at least ${this.#minLength} characters.`;
    if (isLongerThan(password, MAX_LENGTH)) return `The password must have at most ${MAX_LENGTH} characters.`;
    const folded = password.toLowerCase();
    if (this.#common.has(folded)) return "This password is too common. Choose another one.";
    if (folded === foldCase(owner.username) || folded === foldCase(owner.email)) {
      return "The password must not be the username or the email address.";
    }
    return undefined;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#turn.pendingCount >= MAX_WAITING) {
      throw new AccountError("SERVER_BUSY", "The server is busy. Try again in a moment.");
    }
    return this.#turn(work);
  }
}

function isLongerThan(text: string, codePoints: number): boolean {
  // A code point takes one or two UTF-16 units, so most lengths are decided without walking the text.
  if (text.length <= codePoints) return false;
  if (text.length > codePoints * 2) return true;
  return Array.from(text).length > codePoints;
}
