// Waits for work, but not for ever.
import { setTimeout as delay } from "node:timers/promises";

/** Resolves with the result of `work`, or with undefined if that takes longer. */
export function withTimeLimit<T>(milliseconds: number, work: Promise<T>): Promise<T | undefined> {
  return Promise.race([work, delay(milliseconds, undefined, { ref: false })]);
}
