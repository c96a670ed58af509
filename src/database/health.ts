// Checks whether the database responds, for /readyz.
import { setTimeout as delay } from "node:timers/promises";

import type { Orm } from "./orm.ts";

const ANSWERS_WITHIN_MS = 2_000;

/** Concurrent calls share one check, so that a database that does not respond cannot exhaust the connection pool. */
export function databaseCheck(orm: Orm): () => Promise<boolean> {
  let underWay: Promise<boolean> | undefined;
  return () => {
    underWay ??= orm.isConnected().finally(() => {
      underWay = undefined;
    });
    return Promise.race([underWay, delay(ANSWERS_WITHIN_MS, false, { ref: false })]);
  };
}
