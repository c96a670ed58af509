// Waiting no longer than is good.
import { setTimeout as delay } from "node:timers/promises";

/** What `work` comes to, or nothing if it takes longer. */
export function withTimeLimit<T>(milliseconds: number, work: Promise<T>): Promise<T | undefined> {
  return Promise.race([work, delay(milliseconds, undefined, { ref: false })]);
}
