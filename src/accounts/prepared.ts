// The statements of what is asked most. MikroORM puts a query together anew each time, with its values in the text, which takes
// longer than the answer; these have bound values, and where no transaction is under way a connection plans each once.
import type { EntityManager } from "@mikro-orm/postgresql";
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
