// Whether the database answers, for /readyz.
import { setTimeout as delay } from "node:timers/promises";

import type { Orm } from "./orm.ts";

const ANSWERS_WITHIN_MS = 2_000;

/** A check; those that come while one is under way share it, so that a silent database does not use up the pool. */
export function databaseCheck(orm: Orm): () => Promise<boolean> {
  let underWay: Promise<boolean> | undefined;
  return () => {
    underWay ??= orm.isConnected().finally(() => {
      underWay = undefined;
    });
    return Promise.race([underWay, delay(ANSWERS_WITHIN_MS, false, { ref: false })]);
  };
}
