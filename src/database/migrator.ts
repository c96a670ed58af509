// Opens the database and migrates its tables, or says why the database cannot be used.
import { setTimeout as delay } from "node:timers/promises";

import type { EntityManager } from "@mikro-orm/postgresql";

import { connectionTo, type ClientConfig } from "./driver.ts";
import { placeOf } from "./database-url.ts";
import { mayCome } from "./health.ts";
import { connectOrm, MIGRATIONS, SCHEMA, type Orm } from "./orm.ts";
import { checkPooled, PoolerError, refusePooler } from "./pooler.ts";

/** The key of the advisory lock: a number that no other program in this database is likely to use. */
const MIGRATION_LOCK = 4_206_501_973;

/** Tables that another library keeps in the same database, with migrations of its own. */
export interface ForeignTables {
  /** Creates or upgrades them; safe to run from several replicas at once. */
  migrate(connection: ClientConfig): Promise<void>;
  /** How old they are beside this version; those that are missing are older. */
  age(connection: ClientConfig): Promise<"older" | "same" | "newer">;
}

/** How long a start waits for a database that cannot be reached. */
const COMES_WITHIN_MS = 30_000;
const TRIED_EVERY_MS = 500;
const TOLD_EVERY_MS = 5_000;
/** After a failure. */
const CLOSES_WITHIN_MS = 1_000;
/** A fraction of the time that a transaction may be idle (time-limits.ts). */
const ALIVE_EVERY_MS = 3_000;

/**
 * Opens it for work that may take long, as migrations do.
 * @param foreign tables that are migrated along with our own
 * @param migrates whether to migrate the tables, or only to check that they match this version
 * @param waiting is told what the start waits for: another server's migration or, up to COMES_WITHIN_MS, a database that cannot be
 *   reached; without it, nothing waits for that
 * @throws {Error} that names the database, with all connections closed
 */
export async function openDatabase(
  databaseUrl: string,
  foreign: ForeignTables,
  migrates: boolean,
  waiting?: (message: string) => void,
): Promise<Orm> {
  const orm = await connectOrm(databaseUrl, "long work");
  try {
    await firstAnswer(databaseUrl, () => refusePooler(orm, databaseUrl), waiting);
    await (migrates ? migrate(orm, databaseUrl, foreign, waiting) : checkMigrated(orm, databaseUrl, foreign));
    return orm;
  } catch (error) {
    await closeInTime(orm);
    throw toldOf(databaseUrl, error);
  }
}

/**
 * Opens it for requests, through a connection pooler.
 * @param direct the same database, past the pooler
 * @param warn is told what the start waits for, and what is weak
 * @throws {Error} that names the database, with all connections closed
 */
export async function openPooledDatabase(
  databaseUrl: string,
  direct: Orm,
  warn: (message: string) => void,
): Promise<Orm> {
  const orm = await connectOrm(databaseUrl, "pooled requests");
  try {
    await firstAnswer(databaseUrl, () => orm.em.fork().execute("select 1"), warn);
    const warning = await checkPooled(orm, direct);
    if (warning !== null) warn(warning);
    return orm;
  } catch (error) {
    await closeInTime(orm);
    throw toldOf(databaseUrl, error);
  }
}

/** A connection that was lost in the middle of a transaction is never given back, and would be waited for without end. */
async function closeInTime(orm: Orm): Promise<void> {
  await Promise.race([orm.close(), delay(CLOSES_WITHIN_MS)]);
}

function toldOf(databaseUrl: string, error: unknown): unknown {
  if (error instanceof UnfitTablesError || error instanceof PoolerError) return error;
  return new Error(
    `${nameOf(databaseUrl)} cannot be used (${wordsOf(error)}). Check DATABASE_URL, and that its role can create schemas.`,
    { cause: error },
  );
}

async function firstAnswer(
  databaseUrl: string,
  ask: () => Promise<unknown>,
  waiting?: (message: string) => void,
): Promise<void> {
  const began = performance.now();
  for (let told = -Infinity; ;) {
    try {
      await ask();
      return;
    } catch (error) {
      const now = performance.now();
      if (!waiting || !mayCome(error) || now - began > COMES_WITHIN_MS) throw error;
      if (now - told > TOLD_EVERY_MS) {
        waiting(`${nameOf(databaseUrl)} cannot be reached yet (${wordsOf(error)}). Waiting for it.`);
        told = now;
      }
    }
    await delay(TRIED_EVERY_MS);
  }
}

const nameOf = (databaseUrl: string) => `The database ${placeOf(databaseUrl)}`;

const wordsOf = (error: unknown) => (error as Error).message.split("\n", 1)[0] ?? "";

/** The tables are of another version. */
export class UnfitTablesError extends Error {
  private constructor(message: string) {
    super(message);
    this.name = "UnfitTablesError";
  }

  /** They are missing or older, and are not to be migrated. */
  static older(): UnfitTablesError {
    return new UnfitTablesError(
      "The database's tables do not match this version, and MIGRATE_ON_START is false. Run `npm run migrate`.",
    );
  }

  /** @param unknown what this version does not know */
  static newer(unknown: string): UnfitTablesError {
    return new UnfitTablesError(
      `The database's tables are newer than this version, which does not know ${unknown}: use the version that has migrated ` +
        "them, or restore a backup from before.",
    );
  }
}

/** Creates or upgrades all tables. Replicas that start at the same time wait for each other, so each migration runs once. */
export async function migrate(
  orm: Orm,
  databaseUrl: string,
  foreign: ForeignTables,
  waiting?: (message: string) => void,
): Promise<void> {
  await orm.em.fork().transactional(async (em) => {
    // This transaction only holds the lock. The migrations of the tables and of the queue use their own transactions.
    // Asked again and again, because a statement that waits for it would keep a snapshot, and whoever has the lock may make an index
    // concurrently, which waits for the end of every older snapshot.
    for (let asked = 0; !(await takesLock(em)); asked += 1) {
      if (asked === 0)
        waiting?.(`${nameOf(databaseUrl)} is being migrated by another server. Waiting for its end.`);
      await delay(TRIED_EVERY_MS);
    }
    await ageOfTables(em, databaseUrl, foreign);
    await whileAlive(em, async () => {
      await orm.migrator.up();
      await foreign.migrate(connectionTo(databaseUrl, "long work"));
    });
  });
}

async function takesLock(em: EntityManager): Promise<boolean> {
  const sql = `select pg_try_advisory_xact_lock(${MIGRATION_LOCK}) as taken`;
  const [lock] = await em.execute<{ taken: boolean }[]>(sql);
  return lock?.taken ?? false;
}

/**
 * Does something else while the transaction of `em` is open. If the server freezes meanwhile, PostgreSQL ends the transaction, so that
 * another server can go on.
 */
async function whileAlive(em: EntityManager, work: () => Promise<void>): Promise<void> {
  let sign: Promise<unknown> = Promise.resolve();
  const signs = setInterval(() => {
    sign = em.execute("select 1").catch(() => undefined); // the end of the transaction tells what is wrong
  }, ALIVE_EVERY_MS);
  try {
    await work();
  } finally {
    clearInterval(signs);
    await sign;
  }
}

/**
 * Only reads, because the role that serves need not be able to create tables.
 * @throws {UnfitTablesError}
 */
async function checkMigrated(orm: Orm, databaseUrl: string, foreign: ForeignTables): Promise<void> {
  if ((await ageOfTables(orm.em.fork(), databaseUrl, foreign)) === "older") throw UnfitTablesError.older();
}

/**
 * How old they are beside this version; those that are missing are older.
 * @throws {UnfitTablesError} if they are newer: this version could destroy what a newer one has stored
 */
async function ageOfTables(
  em: EntityManager,
  databaseUrl: string,
  foreign: ForeignTables,
): Promise<"older" | "same"> {
  const known = MIGRATIONS.map(({ name }) => name);
  const applied = await appliedMigrations(em);
  const unknown = applied.find((name) => !known.includes(name));
  if (unknown !== undefined) throw UnfitTablesError.newer(`the migration ${unknown}`);
  const foreignAge = await foreign.age(connectionTo(databaseUrl, "long work"));
  if (foreignAge === "newer") throw UnfitTablesError.newer("the tables of the mail queue");
  return known.every((name) => applied.includes(name)) ? foreignAge : "older";
}

/** The names of the migrations that the tables have had. */
async function appliedMigrations(em: EntityManager): Promise<string[]> {
  const [found] = await em.execute<{ table: string | null }[]>(
    `select to_regclass('${SCHEMA}.migrations') as "table"`,
  );
  if (!found?.table) return [];
  const applied = await em.execute<{ name: string }[]>(`select name from ${SCHEMA}.migrations order by id`);
  return applied.map(({ name }) => name);
}
