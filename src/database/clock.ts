// The database's clock. It judges whatever is stored with a time, because the clocks of servers differ from it and from each other.
import type { Orm } from "./orm.ts";

const READ_EVERY_MS = 10_000;
/** The database's time is known to half of what the answer takes; an answer that takes longer tells too little. */
const ANSWERS_WITHIN_MS = 1_000;

export class DatabaseClock {
  readonly #orm: Orm;
  #readings: NodeJS.Timeout | undefined;
  /** The database's time when this process's own clock, which nobody can set, was at 0; in milliseconds. */
  #origin = 0;

  private constructor(orm: Orm) {
    this.#orm = orm;
  }

  /** Reads it, and again and again until `stop`. */
  static async start(orm: Orm): Promise<DatabaseClock> {
    const clock = new DatabaseClock(orm);
    await clock.#read(Infinity);
    clock.#readings = setInterval(() => {
      clock.#read(ANSWERS_WITHIN_MS).catch(() => undefined); // during an outage, the time goes on from the last answer
    }, READ_EVERY_MS).unref();
    return clock;
  }

  readonly now = (): Date => new Date(this.#origin + performance.now());

  stop(): void {
    clearInterval(this.#readings);
  }

  async #read(withinMs: number): Promise<void> {
    const pool = await this.#orm.em.getConnection().getNativeClient();
    const client = await pool.connect(); // first, because the wait for a connection tells nothing
    try {
      const asked = performance.now();
      const { rows } = await client.query<{ now: number }>(
        "select extract(epoch from clock_timestamp())::float8 * 1000 as now",
      );
      const answered = performance.now();
      if (rows[0] && answered - asked <= withinMs) this.#origin = rows[0].now - (asked + answered) / 2;
    } finally {
      client.release();
    }
  }
}
