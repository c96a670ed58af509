// Counts that all servers share, in PostgreSQL and by its clock.
import type { EntityManager } from "@mikro-orm/postgresql";

import { LONGEST_DELAY_SECONDS } from "../rules/rate-limits.ts";
import { run, statement } from "../store/statement.ts";
import type { Counted, Counts, Refusal } from "./counts.ts";

interface Keys {
  readonly keys: readonly Buffer[];
}

// A row that is blocked is left as it is, and missing in the result. Rows are locked in the order of their keys, against deadlocks.
const TAKE = statement<
  Keys & { maxima: readonly number[]; seconds: readonly number[]; doubles: readonly boolean[] },
  { key: Buffer }
>(
  "take-rate-limits",
  `with wanted as (
     select key, max, make_interval(secs => seconds) as period, doubles, clock_timestamp() as now
     from unnest(:keys::bytea[], :maxima::int[], :seconds::int[], :doubles::bool[]) as w (key, max, seconds, doubles)
     order by key
   )
   insert into accounts.rate_limits as c (key, count, blocked_until, resets_at)
   select key, 1, case when max > 1 then '-infinity' when doubles then now + interval '1 second' else now + period end, now + period
   from wanted
   on conflict (key) do update set (count, blocked_until, resets_at) = (
     select next.count,
       case
         when next.count < max then '-infinity'
         when doubles then now + make_interval(secs => least(2 ^ least(next.count - max, 20), ${LONGEST_DELAY_SECONDS}))
         else next.resets_at
       end,
       next.resets_at
     from wanted, lateral (
       select
         case when c.resets_at <= now then 1 else c.count + 1 end as count,
         case when c.resets_at <= now or doubles then now + period else c.resets_at end as resets_at
     ) as next
     where wanted.key = c.key
   )
   where c.blocked_until <= (select now from wanted where wanted.key = c.key)
   returning key`,
);

const GIVE_BACK = statement<Keys>(
  "give-rate-limits-back",
  `with counted as (select key from accounts.rate_limits where key = any(:keys) order by key for update)
   update accounts.rate_limits c set count = greatest(count - 1, 0), blocked_until = '-infinity'
   from counted where c.key = counted.key`,
);

const SECONDS_LEFT = statement<Keys, { seconds: number | null }>(
  "rate-limits-seconds-left",
  `select ceil(extract(epoch from max(blocked_until) - clock_timestamp()))::int as seconds from accounts.rate_limits
   where key = any(:keys) and blocked_until > '-infinity'`,
);

const REMOVE_OLD = statement<object, { count: number }>(
  "remove-rate-limits",
  `with removed as (delete from accounts.rate_limits where resets_at <= clock_timestamp() returning 1)
   select count(*)::int as count from removed`,
);

export class SharedCounts implements Counts {
  readonly #em: EntityManager;

  constructor(em: EntityManager) {
    this.#em = em;
  }

  async take(counted: readonly Counted[]): Promise<Refusal | null> {
    const taken = await run(this.#em, TAKE, {
      keys: buffers(counted),
      maxima: counted.map(({ limit }) => limit.max),
      seconds: counted.map(({ limit }) => limit.seconds),
      doubles: counted.map(({ limit }) => limit.doubles === true),
    });
    if (taken.length === counted.length) return null;
    const takenKeys = new Set(taken.map(({ key }) => key.toString("hex")));
    const [kept, met] = [
      counted.filter(({ key }) => takenKeys.has(key)),
      counted.filter(({ key }) => !takenKeys.has(key)),
    ];
    if (kept.length > 0) await this.giveBack(kept);
    const [left] = await run(this.#em, SECONDS_LEFT, { keys: buffers(met) });
    return { keys: met.map(({ key }) => key), retryAfterSeconds: Math.max(1, left?.seconds ?? 1) };
  }

  async giveBack(counted: readonly Counted[]): Promise<void> {
    await run(this.#em, GIVE_BACK, { keys: buffers(counted) });
  }

  /** @returns how many counts would have begun anew */
  async removeOld(): Promise<number> {
    const [row] = await run(this.#em, REMOVE_OLD, {});
    return row?.count ?? 0;
  }
}

const buffers = (counted: readonly Counted[]) => counted.map(({ key }) => Buffer.from(key, "hex"));
