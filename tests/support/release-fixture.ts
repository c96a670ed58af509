// The database of a former release, with people in it who expect that everything goes on: tests/fixtures/releases/.
// `npm run release:fixture` makes that of this version (docs/contributing/release.md).
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

import { createDatabase, query } from "./postgres.ts";

export const RELEASES = "tests/fixtures/releases";

/** What the people of a fixture know. Their tokens and links are good for ten years. */
export interface ReleaseFixture {
  /** The time of its database when it was dumped. */
  readonly madeAt: string;
  readonly jwtSecret: string;
  /** Of everybody. */
  readonly password: string;
  /** How the release answered the login of each user with the right password: a code, or "done". */
  readonly logins: Readonly<Record<string, string>>;
  /** By username. */
  readonly sessions: Readonly<
    Record<string, { readonly accessToken: string; readonly refreshToken: string }>
  >;
  /** The tokens of links that were mailed and not used. */
  readonly links: {
    readonly registration: string;
    readonly reset: string;
    readonly emailChange: string;
    /** Who may use it is signed in as this user. */
    readonly emailChangeOf: string;
    readonly undo: string;
  };
  /** The mails that wait because the mail server was away. */
  readonly waitingMails: readonly { readonly to: string; readonly subject: string }[];
  /** The SHA-256 of the statements of each migration, by its name. */
  readonly migrations: Readonly<Record<string, string>>;
}

/** The versions that have one. */
export const releases = (): string[] =>
  existsSync(RELEASES) ? readdirSync(RELEASES).flatMap((file) => /^(.+)\.json$/.exec(file)?.[1] ?? []) : [];

export const releaseFixture = (version: string) =>
  JSON.parse(readFileSync(`${RELEASES}/${version}.json`, "utf8")) as ReleaseFixture;

/** Of the statements of a migration. */
export const checksum = (statements: readonly string[]) =>
  createHash("sha256").update(statements.join(";\n")).digest("hex");

/** A database as that release left it, as if it had been dumped just now: all its times have moved. */
export async function restoreRelease(postgresUrl: string, version: string): Promise<string> {
  const databaseUrl = await createDatabase(postgresUrl, { empty: true });
  await query(databaseUrl, gunzipSync(readFileSync(`${RELEASES}/${version}.sql.gz`)).toString());
  const tables = await query<{ table: string; columns: string[] }>(
    databaseUrl,
    `select attrelid::regclass::text as "table", array_agg(quote_ident(attname)) as "columns"
     from pg_attribute join pg_class on pg_class.oid = attrelid
     where relnamespace::regnamespace::text in ('accounts', 'accounts_queue') and relkind in ('r', 'p') and not relispartition
       and atttypid = 'timestamptz'::regtype and attgenerated = '' and not attisdropped
     group by attrelid`,
  );
  const { madeAt } = releaseFixture(version);
  const moved = tables.map(({ table, columns }) => {
    const moves = columns.map((column) => `${column} = ${column} + (now() - '${madeAt}')`);
    return `update ${table} set ${moves.join(", ")};`;
  });
  // The audit trail is append-only. In one transaction, so that all times move as far.
  await query(
    databaseUrl,
    `alter table accounts.account_events disable trigger user; ${moved.join(" ")}
     alter table accounts.account_events enable trigger user`,
  );
  return databaseUrl;
}
