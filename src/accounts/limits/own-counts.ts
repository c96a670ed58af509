// Counts of this server alone, for as long as PostgreSQL does not count.
import { LRUCache } from "lru-cache";

import { LONGEST_DELAY_SECONDS } from "../rules/rate-limits.ts";
import type { Counted, Counts, Refusal } from "./counts.ts";

/** About 200 bytes each. */
const MAX_COUNTS = 100_000;

interface Count {
  readonly count: number;
  /** Milliseconds since the epoch, as `resetsAt`. */
  readonly blockedUntil: number;
  readonly resetsAt: number;
}

export class OwnCounts implements Counts {
  /** Made when it is needed, which is hardly ever: it reserves room for all counts at once. */
  #made: LRUCache<string, Count> | undefined;

  get #counts(): LRUCache<string, Count> {
    return (this.#made ??= new LRUCache({ max: MAX_COUNTS }));
  }

  take(counted: readonly Counted[]): Promise<Refusal | null> {
    const now = Date.now();
    const met = counted.filter(({ key }) => (this.#counts.get(key)?.blockedUntil ?? 0) > now);
    if (met.length > 0) {
      const until = Math.max(...met.map(({ key }) => this.#counts.get(key)?.blockedUntil ?? now));
      return Promise.resolve({
        keys: met.map(({ key }) => key),
        retryAfterSeconds: Math.max(1, Math.ceil((until - now) / 1000)),
      });
    }
    for (const { key, limit } of counted) {
      const old = this.#counts.get(key);
      const isOver = !old || old.resetsAt <= now;
      const count = isOver ? 1 : old.count + 1;
      const resetsAt = isOver || limit.doubles ? now + limit.seconds * 1000 : old.resetsAt;
      const delay = Math.min(2 ** (count - limit.max), LONGEST_DELAY_SECONDS) * 1000;
      const blockedUntil = count < limit.max ? 0 : limit.doubles ? now + delay : resetsAt;
      this.#counts.set(key, { count, blockedUntil, resetsAt });
    }
    return Promise.resolve(null);
  }

  giveBack(counted: readonly Counted[]): void {
    for (const { key } of counted) {
      const old = this.#counts.get(key);
      if (old) this.#counts.set(key, { ...old, count: Math.max(old.count - 1, 0), blockedUntil: 0 });
    }
  }
}
