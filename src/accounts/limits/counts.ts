// Counts tries. Each try is counted before it is made, because of 200 guesses that are made at once, counting them afterwards
// would let all pass.
import type { RateLimit } from "../rules/rate-limits.ts";

/** A limit and whom it counts. */
export interface Counted {
  /** As hex. */
  readonly key: string;
  readonly limit: RateLimit;
}

export interface Counts {
  /**
   * Counts a try under every limit, or under none of them.
   * @returns null, or what refused it: the limits that are met, and in how many seconds the try can be repeated
   */
  take(counted: readonly Counted[]): Promise<Refusal | null>;

  /** Takes a counted try back. */
  giveBack(counted: readonly Counted[]): void;
}

export interface Refusal {
  readonly keys: readonly string[];
  readonly retryAfterSeconds: number;
}
