// Watches the connections to the database: how many there are, and for how long each is in use, for a statement or for a transaction.
import { onceAWhile, type Logger } from "../log.ts";
import type { Orm } from "./orm.ts";

/** Far more than any request needs of a database that is well. */
const SLOW_AFTER_MS = 2_000;

/** Is told how long a connection was in use. */
export interface UseObserver {
  used(seconds: number): void;
}

export interface ConnectionCounts {
  readonly used: number;
  readonly idle: number;
  /** Requests that wait for a connection. */
  readonly waiting: number;
}

type Pool = Awaited<ReturnType<typeof poolOf>>;

const poolOf = (orm: Orm) => orm.em.getConnection().getNativeClient();

/** Measures each use, and tells in the log, once, if the database answers slowly. */
export async function watchUse(orm: Orm, log: Logger, observer?: UseObserver): Promise<void> {
  const pool = await poolOf(orm);
  const begun = new WeakMap<object, number>();
  const tellSlow = onceAWhile(() =>
    log.warn(
      `the database answers slowly: a connection was in use for more than ${SLOW_AFTER_MS / 1000} seconds`,
    ),
  );
  pool.on("acquire", (client) => begun.set(client, performance.now()));
  pool.on("release", (_error, client) => {
    const milliseconds = performance.now() - (begun.get(client) ?? NaN);
    if (Number.isNaN(milliseconds)) return;
    observer?.used(milliseconds / 1000);
    if (milliseconds > SLOW_AFTER_MS) tellSlow();
  });
}

/** @returns what counts the connections now */
export async function connectionCounter(orm: Orm): Promise<() => ConnectionCounts> {
  const pool: Pool = await poolOf(orm);
  return () => ({
    used: pool.totalCount - pool.idleCount,
    idle: pool.idleCount,
    waiting: pool.waitingCount,
  });
}
