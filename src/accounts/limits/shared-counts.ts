// Counts that all servers share, in PostgreSQL and by its clock.
import type { EntityManager } from "@mikro-orm/postgresql";

import { LONGEST_DELAY_SECONDS } from "../rules/rate-limits.ts";
import { run, statement } from "../store/statement.ts";
import type { Counted, Counts, Refusal } from "./counts.ts";

interface Keys {
  readonly keys: readonly Buffer[];
}

/** What a count is, one more try included. */
const COUNT = "case when c.resets_at <= statement_timestamp() then 1 else c.count + 1 end";
/** The limit's own value for a row. */
const MAX = "(:maxima::int[])[array_position(:keys::bytea[], c.key)]";
const DOUBLES = "(:doubles::bool[])[array_position(:keys::bytea[], c.key)]";

// A row that is blocked is left as it is, and missing in the result. Rows are locked in the order of their keys, against deadlocks.
// This is asked for nearly every login, so it has no subselect for each row.
const TAKE = statement<
  Keys & { maxima: readonly number[]; seconds: readonly number[]; doubles: readonly boolean[] },
  { key: string }
>(
  "take-rate-limits",
  `insert into accounts.rate_limits as c (key, count, blocked_until, resets_at)
   select key, 1,
     case
       when max > 1 then '-infinity'
       when doubles then statement_timestamp() + interval '1 second'
       else statement_timestamp() + make_interval(secs => seconds)
     end,
     statement_timestamp() + make_interval(secs => seconds)
   from unnest(:keys::bytea[], :maxima::int[], :seconds::int[], :doubles::bool[]) as w (key, max, seconds, doubles)
   order by key
   on conflict (key) do update set
     count = ${COUNT},
     blocked_until = case
       when ${COUNT} < ${MAX} then '-infinity'
       when ${DOUBLES} then
         statement_timestamp() + make_interval(secs => least(2 ^ least(${COUNT} - ${MAX}, 20), ${LONGEST_DELAY_SECONDS}))
       when c.resets_at <= statement_timestamp() then excluded.resets_at
       else c.resets_at
     end,
     resets_at = case when c.resets_at <= statement_timestamp() or ${DOUBLES} then excluded.resets_at else c.resets_at end
   where c.blocked_until <= statement_timestamp()
   returning encode(key, 'hex') as key`,
);

const GIVE_BACK = statement<Keys & { tries: readonly number[] }>(
  "give-rate-limits-back",
  `with given as (
     select key, tries from accounts.rate_limits join unnest(:keys::bytea[], :tries::int[]) as g (key, tries) using (key)
     order by key for update of rate_limits
   )
   update accounts.rate_limits c set count = greatest(count - tries, 0), blocked_until = '-infinity'
   from given where c.key = given.key`,
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

/** How long tries that were given back are kept for the next ones. */
const SPARE_MS = 1_000;

/** Tries that the table counts, and that nobody makes now. */
interface Spare {
  tries: number;
  /** How few there were since the table was last told: so many were not needed. */
  fewest: number;
}

export class SharedCounts implements Counts {
  readonly #em: EntityManager;
  readonly #warn: (message: string, cause: unknown) => void;
  /**
   * By key. Most tries are right passwords, whose count is given back at once. The next try from the same address takes it over, and
   * the table hears once a second of what nobody took: otherwise two statements would write ten rows for each login.
   */
  readonly #spare = new Map<string, Spare>();
  #timer: NodeJS.Timeout | undefined;

  constructor(em: EntityManager, warn: (message: string, cause: unknown) => void) {
    this.#em = em;
    this.#warn = warn;
  }

  async take(counted: readonly Counted[]): Promise<Refusal | null> {
    const others = counted.filter(({ key }) => !this.#takeSpare(key));
    if (others.length === 0) return null;
    const fromSpare = counted.filter((each) => !others.includes(each));
    let taken: { key: string }[];
    try {
      taken = await run(this.#em, TAKE, {
        keys: buffers(others),
        maxima: others.map(({ limit }) => limit.max),
        seconds: others.map(({ limit }) => limit.seconds),
        doubles: others.map(({ limit }) => limit.doubles === true),
      });
    } catch (error) {
      this.giveBack(fromSpare);
      throw error;
    }
    if (taken.length === others.length) return null;
    const takenKeys = new Set(taken.map(({ key }) => key));
    const met = others.filter(({ key }) => !takenKeys.has(key));
    this.giveBack(counted.filter((each) => !met.includes(each)));
    const [left] = await run(this.#em, SECONDS_LEFT, { keys: buffers(met) });
    return { keys: met.map(({ key }) => key), retryAfterSeconds: Math.max(1, left?.seconds ?? 1) };
  }

  giveBack(counted: readonly Counted[]): void {
    for (const { key } of counted) {
      const spare = this.#spare.get(key);
      if (spare) spare.tries += 1;
      else this.#spare.set(key, { tries: 1, fewest: 0 });
    }
    this.#tellTableSoon();
  }

  /** Gives back what is spare. */
  async close(): Promise<void> {
    for (const spare of this.#spare.values()) spare.fewest = spare.tries;
    await this.#tellTable();
  }

  #tellTableSoon(): void {
    if (this.#spare.size > 0) this.#timer ??= setTimeout(() => void this.#tellTable(), SPARE_MS);
  }

  #takeSpare(key: string): boolean {
    const spare = this.#spare.get(key);
    if (!spare || spare.tries === 0) return false;
    spare.tries -= 1;
    spare.fewest = Math.min(spare.fewest, spare.tries);
    return true;
  }

  /** Gives back what was not needed since the last time. */
  async #tellTable(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const unneeded: { key: string; tries: number }[] = [];
    for (const [key, spare] of this.#spare) {
      if (spare.fewest > 0) unneeded.push({ key, tries: spare.fewest });
      spare.tries -= spare.fewest;
      spare.fewest = spare.tries;
      if (spare.tries === 0) this.#spare.delete(key);
    }
    this.#tellTableSoon();
    if (unneeded.length === 0) return;
    try {
      await run(this.#em, GIVE_BACK, { keys: buffers(unneeded), tries: unneeded.map(({ tries }) => tries) });
    } catch (error) {
      // They stay counted until their period is over.
      this.#warn("Rate limits could not be given back.", error);
    }
  }

  /** @returns how many counts would have begun anew */
  async removeOld(): Promise<number> {
    const [row] = await run(this.#em, REMOVE_OLD, {});
    return row?.count ?? 0;
  }
}

const buffers = (counted: readonly { key: string }[]) => counted.map(({ key }) => Buffer.from(key, "hex"));
