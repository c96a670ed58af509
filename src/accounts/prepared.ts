// Statements that run often enough that each connection parses and plans them once.
import type { EntityManager } from "@mikro-orm/postgresql";

/** @param statement.name its own within the server: a connection knows the statement by it */
export async function prepared<Row extends object>(
  em: EntityManager,
  statement: { readonly name: string; readonly text: string },
  values: readonly unknown[],
): Promise<Row[]> {
  const pool = await em.getConnection().getNativeClient();
  const { rows } = await pool.query<Row>({ ...statement, values: [...values] });
  return rows;
}
