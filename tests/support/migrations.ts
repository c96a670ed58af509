// What migrations do to the tables.
import { connectOrm, MIGRATIONS } from "../../src/database/orm.ts";

/** The statements of each migration, by its name. */
export async function statementsOfMigrations(databaseUrl: string): Promise<Map<string, string[]>> {
  const orm = await connectOrm(databaseUrl, "long work");
  try {
    return new Map(
      MIGRATIONS.map(({ name, class: Migration }) => {
        const migration = new Migration(orm.em.getDriver(), orm.config);
        migration.up();
        return [name, migration.getQueries().map(String)];
      }),
    );
  } finally {
    await orm.close();
  }
}
