// A connection pooler in front of the database, such as PgBouncer, may give each transaction another connection. Requests can do with
// that. What needs a connection of its own (migrations, the mail queue, long work) goes past it, by DATABASE_DIRECT_URL.
import { placeOf } from "./database-url.ts";
import type { Orm } from "./orm.ts";

/** What the URLs of the database are wrong about: a sentence for the operator. */
export class PoolerError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "PoolerError";
  }
}

/** @throws {PoolerError} if a pooler is between the server and the database */
export async function refusePooler(orm: Orm, databaseUrl: string): Promise<void> {
  if (await hasPooler(orm))
    throw new PoolerError(
      `The database ${placeOf(databaseUrl)} is behind a connection pooler, such as PgBouncer, through which neither migrations nor ` +
        "emails work: set DATABASE_DIRECT_URL to the URL of the database itself.",
    );
}

async function hasPooler(orm: Orm): Promise<boolean> {
  const pool = await orm.em.getConnection().getNativeClient();
  let client;
  try {
    client = await pool.connect();
  } catch (error) {
    if ((error as Error).message.includes("unsupported startup parameter")) return true;
    throw error;
  }
  try {
    // A pooler makes up the number by which a client could cancel its statements.
    const { processID } = client as unknown as { processID: number };
    const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
    return rows[0]?.pid !== processID;
  } finally {
    client.release();
  }
}

interface Session {
  database: string;
  role: string;
  unlimited: boolean;
}

/**
 * Compares what lies behind the pooler with the database itself.
 * @returns a warning, if requests have no time limits
 * @throws {PoolerError} if it is another database
 */
export async function checkPooled(pooled: Orm, direct: Orm): Promise<string | null> {
  const [session, itself] = await Promise.all([sessionOf(pooled), sessionOf(direct)]);
  if (session.database !== itself.database)
    throw new PoolerError(
      "DATABASE_URL and DATABASE_DIRECT_URL lead to different databases. Set both to the same one.",
    );
  if (!session.unlimited) return null;
  return (
    `Requests through the pooler have no time limits: run \`alter role "${session.role}" set lock_timeout = '3s'\`, and the same with ` +
    "statement_timeout = '10s' and idle_in_transaction_session_timeout = '10s', and let the pooler connect anew."
  );
}

async function sessionOf(orm: Orm): Promise<Session> {
  const rows = await orm.em.fork().execute<Session[]>(
    `select concat(current_database(), ' since ', extract(epoch from pg_postmaster_start_time())) as database,
       session_user as role,
       '0' in (current_setting('lock_timeout'), current_setting('statement_timeout'),
         current_setting('idle_in_transaction_session_timeout')) as unlimited`,
  );
  const [session] = rows as [Session];
  return session;
}
