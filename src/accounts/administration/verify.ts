import { IsolationLevel } from "@mikro-orm/postgresql";

import type { Dependencies } from "../dependencies.ts";
import { run, statement } from "../store/statement.ts";
import { INVARIANTS } from "./invariants.ts";

/** Enough to look at. */
const EXAMPLES = 5;

/** Whether an invariant holds. */
export interface Finding {
  /** A sentence without its full stop. */
  readonly promise: string;
  /** How many users or sessions break it. */
  readonly count: number;
  /** The ids of some of them. */
  readonly examples: readonly string[];
}

/**
 * Tells of each invariant whether it holds. All are asked of the same moment, so it can be done while servers serve. Reads whole
 * tables, and changes nothing.
 */
export async function* verify({ patientEm }: Dependencies): AsyncGenerator<Finding> {
  const em = patientEm.fork();
  await em.begin({ isolationLevel: IsolationLevel.REPEATABLE_READ, readOnly: true });
  try {
    for (const [index, { promise, broken }] of INVARIANTS.entries()) {
      const ask = statement<object, { count: number; examples: string[] }>(
        `verify-${index}`,
        `with broken as materialized (${broken})
         select (select count(*) from broken)::float8 as count, array(select id from broken limit ${EXAMPLES}) as examples`,
      );
      const [{ count, examples }] = (await run(em, ask, {})) as [{ count: number; examples: string[] }];
      yield { promise, count, examples };
    }
  } finally {
    await em.rollback();
  }
}
