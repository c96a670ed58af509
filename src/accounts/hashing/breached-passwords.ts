// Whether a password is known from a data breach: by a filter file, by a service that never learns the password, or by both.
// Either may fail: then the password is taken, because people must be able to register without it.
import { createHash } from "node:crypto";

import type { Logger } from "../../log.ts";
import type { PasswordFilter } from "./password-filter.ts";

const TIME_LIMIT_MS = 1_000;
/** A range with padding has some 40 kB. */
const MAX_ANSWER_BYTES = 1_000_000;
const WARN_EVERY_MS = 60_000;

export interface BreachedPasswordsParts {
  readonly filter: PasswordFilter | null;
  /** Of the range service, without the slash at the end. */
  readonly rangeUrl: string | null;
  readonly log: Logger;
}

export class BreachedPasswords {
  readonly #parts: BreachedPasswordsParts;
  #warnedAt = -Infinity;

  constructor(parts: BreachedPasswordsParts) {
    this.#parts = parts;
  }

  /** Whether the password is known from a breach. False if nothing is configured or answers. */
  async has(password: string): Promise<boolean> {
    const { filter, rangeUrl } = this.#parts;
    const sha1 = createHash("sha1").update(password).digest();
    if (filter && (await this.#unlessItFails("PASSWORD_FILTER", () => filter.has(sha1)))) return true;
    return rangeUrl !== null && this.#unlessItFails("PASSWORD_RANGE_URL", () => isInRange(rangeUrl, sha1));
  }

  async #unlessItFails(setting: string, look: () => Promise<boolean>): Promise<boolean> {
    try {
      return await look();
    } catch (error) {
      this.#warn(setting, error as Error);
      return false;
    }
  }

  /** Once a minute. Only the words of the error: what it was asked for is a part of a password's hash. */
  #warn(setting: string, { name, message, cause }: Error): void {
    if (performance.now() - this.#warnedAt < WARN_EVERY_MS) return;
    this.#warnedAt = performance.now();
    const { code } = (cause ?? {}) as { code?: unknown };
    this.#parts.log.warn(
      { reason: name === "TimeoutError" ? `no answer within ${TIME_LIMIT_MS} ms` : message, code },
      `new passwords are not compared with breached ones: ${setting} fails`,
    );
  }
}

/**
 * Asks a range service, such as Pwned Passwords, for all hashes with the same first five digits, so that it learns no more than
 * these (k-anonymity). Padding hides how many there are; its rows have the count 0.
 */
async function isInRange(url: string, sha1: Buffer): Promise<boolean> {
  const hash = sha1.toString("hex").toUpperCase();
  const response = await fetch(`${url}/${hash.slice(0, 5)}`, {
    headers: { "Add-Padding": "true", "User-Agent": "account-server" },
    redirect: "error",
    signal: AbortSignal.timeout(TIME_LIMIT_MS),
  });
  if (!response.ok || !response.body) {
    await response.body?.cancel();
    throw new Error(`the service answered with status ${response.status}`);
  }
  const rows = await boundedText(response.body);
  return new RegExp(`^${hash.slice(5)}:0*[1-9]`, "im").test(rows);
}

async function boundedText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`the service answered with over ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("latin1");
}
