// Passwords: which are strong enough, how they are hashed, and how many are hashed at once; and the hashes that other
// systems made. The only home of argon2 and bcrypt.
import { pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";
import { availableParallelism } from "node:os";
import { promisify } from "node:util";

import { dictionary } from "@zxcvbn-ts/language-common";
import argon2 from "argon2";
import bcrypt from "bcrypt";
import pLimit from "p-limit";

import { AccountError } from "./account-error.ts";
import { foldCase } from "./fold-case.ts";

/** OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, 2 passes, 1 lane. */
const PARAMETERS = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
const MAX_LENGTH = 128;
/** Hashes that may wait for their turn; on two cores about eight seconds' worth, after which a refusal serves better. */
const MAX_WAITING = 400;

/** The hashes that `verify` understands. */
const ARGON2 =
  /^\$argon2(?:id|i|d)\$(?:v=(?:16|19)\$)?m=\d+,(?:t=\d+,p=\d+|p=\d+,t=\d+)\$[A-Za-z0-9+/]{11,128}\$[A-Za-z0-9+/]{22,128}$/;
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
/** Of Python's passlib, with its own base64: `.` stands for `+`, and nothing pads. */
const PBKDF2 = /^\$pbkdf2-sha512\$([1-9]\d*)\$([./A-Za-z0-9]+)\$([./A-Za-z0-9]{86})$/;

/** A login may cost about a second or two with them, whatever a hash asks for: one row must not stall the server. */
const ARGON2_MAX = { memoryKiB: 262_144, memoryTimesPasses: 1_048_576, lanes: 16 };
const BCRYPT_MAX_COST = 15;
const PBKDF2_MAX_ROUNDS = 1_000_000;

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
    const matches = await this.#inTurn(() => made(compared, password));
    return matches && hash !== null;
  }

  /** Whether the hash was made in another way than those made now, or with weaker parameters. */
  isOutdated(hash: string): boolean {
    if (!hash.startsWith("$argon2id$v=19$")) return true;
    return cost(hash, "m") < PARAMETERS.memoryCost || cost(hash, "t") < PARAMETERS.timeCost;
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

/** Why a hash of another system cannot be taken over; nothing if `verify` understands it at a bearable cost. */
export function hashFault(hash: string): string | undefined {
  if (ARGON2.test(hash)) {
    const [memory, passes, lanes] = [cost(hash, "m"), cost(hash, "t"), cost(hash, "p")];
    const isPossible = passes >= 1 && lanes >= 1 && memory >= 8 * lanes;
    const { memoryKiB, memoryTimesPasses, lanes: maxLanes } = ARGON2_MAX;
    if (isPossible && memory <= memoryKiB && memory * passes <= memoryTimesPasses && lanes <= maxLanes)
      return undefined;
    return `The hash asks for m=${memory},t=${passes},p=${lanes}: at most m=${memoryKiB}, m*t=${memoryTimesPasses} and p=${maxLanes} are taken.`;
  }
  const bcryptCost = Number(BCRYPT.exec(hash)?.[1] ?? NaN);
  if (bcryptCost >= 4 && bcryptCost <= BCRYPT_MAX_COST) return undefined;
  if (bcryptCost >= 0) return `The hash has the cost ${bcryptCost}: 4 to ${BCRYPT_MAX_COST} are taken.`;
  const rounds = Number(PBKDF2.exec(hash)?.[1] ?? NaN);
  if (rounds <= PBKDF2_MAX_ROUNDS) return undefined;
  if (rounds > 0) return `The hash has ${rounds} rounds: at most ${PBKDF2_MAX_ROUNDS} are taken.`;
  return "The hash is of an unknown kind: argon2, bcrypt ($2a$, $2b$, $2y$) and passlib's $pbkdf2-sha512$ are taken.";
}

/** Whether `password` made `hash`. */
async function made(hash: string, password: string): Promise<boolean> {
  // $2y$ is PHP's name of the same thing.
  if (BCRYPT.test(hash)) return bcrypt.compare(password, hash.replace("$2y$", "$2b$"));
  const [, rounds, salt = "", checksum = ""] = PBKDF2.exec(hash) ?? [];
  if (rounds === undefined) return argon2.verify(hash, password);
  const expected = fromPasslib(checksum);
  const derived = await promisify(pbkdf2)(
    password,
    fromPasslib(salt),
    Number(rounds),
    expected.length,
    "sha512",
  );
  return timingSafeEqual(derived, expected);
}

const fromPasslib = (base64: string) => Buffer.from(base64.replaceAll(".", "+"), "base64");

/** A parameter of an argon2 hash. */
function cost(hash: string, name: "m" | "t" | "p"): number {
  return Number(new RegExp(`[$,]${name}=(\\d+)`).exec(hash)?.[1] ?? 0);
}

function isLongerThan(text: string, codePoints: number): boolean {
  // A code point takes one or two units, so most lengths are decided without walking the text.
  if (text.length <= codePoints) return false;
  if (text.length > codePoints * 2) return true;
  return Array.from(text).length > codePoints;
}
