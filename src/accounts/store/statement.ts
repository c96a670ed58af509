// Hand-written SQL for what is asked most. MikroORM builds a query anew each time, with its values in the text, which takes
// longer than PostgreSQL takes to answer (docs/performance.md); a statement has bound values, and outside a transaction each
// connection plans it once. Password hashes are always bound, because a database may log the text of statements.
import type { EntityManager } from "@mikro-orm/postgresql";
import DataLoader from "dataloader";
import { CompiledQuery } from "kysely";

import { traced } from "../../tracing.ts";

export interface Statement<Values extends object, Row extends object> {
  readonly name: string;
  /** With `$1`, `$2`, ... */
  readonly text: string;
  /** The names of $1, $2, ... */
  readonly parameters: readonly (keyof Values & string)[];
  /** The type of the rows that it returns; there is no such value. */
  readonly row?: Row;
}

/**
 * Compiles SQL that names its values, as in `where id = :id`.
 * @param name unique: each connection caches the plan under it
 */
export function statement<Values extends object, Row extends object = never>(
  name: string,
  sql: string,
): Statement<Values, Row> {
  const parameters: (keyof Values & string)[] = [];
  // Not the second colon of a cast, as in `now()::date`.
  const text = sql.replace(/(?<!:):([a-z]\w*)/gi, (_, parameter: keyof Values & string) => {
    if (!parameters.includes(parameter)) parameters.push(parameter);
    return `$${parameters.indexOf(parameter) + 1}`;
  });
  return { name, text, parameters };
}

const IN_TRACES = { kind: "CLIENT", attributes: { "db.system.name": "postgresql" } } as const;

/** Runs in the transaction of `em`, if there is one. */
export function run<Values extends object, Row extends object>(
  em: EntityManager,
  statement: Statement<Values, Row>,
  given: Values,
): Promise<Row[]> {
  return traced(`sql ${statement.name}`, () => execute(em, statement, given), IN_TRACES);
}

async function execute<Values extends object, Row extends object>(
  em: EntityManager,
  { name, text, parameters }: Statement<Values, Row>,
  given: Values,
): Promise<Row[]> {
  const values = parameters.map((parameter) => {
    if (!(parameter in given)) throw new TypeError(`The statement ${name} has no value for :${parameter}.`);
    return given[parameter];
  });
  if (!em.isInTransaction()) {
    const pool = await em.getConnection().getNativeClient();
    try {
      return (await pool.query<Row>({ name, text, values })).rows;
    } catch (error) {
      if (!isPlanOutdated(error)) throw error;
      return (await pool.query<Row>({ text, values })).rows;
    }
  }
  await em.flush(); // else the statement would not see the entities' changes
  return (await em.getKysely().executeQuery<Row>(CompiledQuery.raw(text, values))).rows;
}

/** A newer version's migration has changed the type of a column that this connection prepared the statement with. */
function isPlanOutdated(error: unknown): boolean {
  const { code, routine } = error as { code?: unknown; routine?: unknown };
  return code === "0A000" && routine === "RevalidateCachedQuery";
}

/**
 * Combines the look-ups of one tick of the event loop into one query. Nothing is cached, so each answer is the present state.
 * @param find by key; what is missing is null
 */
export function batched<Row>(
  find: (keys: readonly string[]) => Promise<ReadonlyMap<string, Row>>,
): (key: string) => Promise<Row | null> {
  const loader = new DataLoader<string, Row | null>(
    async (keys) => {
      const found = await find(keys);
      return keys.map((key) => found.get(key) ?? null);
    },
    {
      cache: false,
      batchScheduleFn: (send) => setImmediate(send), // after all requests that this tick has read
      maxBatchSize: 100,
    },
  );
  return (key) => loader.load(key);
}
