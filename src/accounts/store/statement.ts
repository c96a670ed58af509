// The statements of what is asked most. MikroORM puts a query together anew each time, with its values in the text, which takes
// longer than the answer; these have bound values, and where no transaction is under way a connection plans each once.
import type { EntityManager } from "@mikro-orm/postgresql";
import DataLoader from "dataloader";
import { CompiledQuery } from "kysely";

export interface Statement {
  /** Its own within the server: a connection knows the plan by it. */
  readonly name: string;
  readonly text: string;
}

/** Runs in the transaction of `em`, if there is one. */
export async function prepared<Row extends object>(
  em: EntityManager,
  { name, text }: Statement,
  values: readonly unknown[],
): Promise<Row[]> {
  if (em.isInTransaction()) {
    const { rows } = await em.getKysely().executeQuery<Row>(CompiledQuery.raw(text, [...values]));
    return rows;
  }
  const pool = await em.getConnection().getNativeClient();
  const { rows } = await pool.query<Row>({ name, text, values: [...values] });
  return rows;
}

/**
 * Finds together what is asked for in the same turn of the event loop; nothing is kept, so each answer is the present state.
 * @param find by key; what is missing is null
 */
export function together<Row>(
  find: (keys: readonly string[]) => Promise<ReadonlyMap<string, Row>>,
): (key: string) => Promise<Row | null> {
  const loader = new DataLoader<string, Row | null>(
    async (keys) => {
      const found = await find(keys);
      return keys.map((key) => found.get(key) ?? null);
    },
    {
      cache: false,
      batchScheduleFn: (send) => setImmediate(send), // after what this turn of the event loop has read
      maxBatchSize: 100,
    },
  );
  return (key) => loader.load(key);
}
