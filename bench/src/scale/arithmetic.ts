// The tables of docs/scale.md: what a number of accounts takes, calculated from what was measured and from what is assumed of people.
import { markdownTable } from "../report.ts";

export interface Bytes {
  readonly rows: number;
  readonly bytesPerRow: number;
  readonly heap: number;
  readonly indexes: Readonly<Record<string, number>>;
}

export interface Times {
  readonly medianMs: number;
  /** The 95th percentile. */
  readonly p95Ms: number;
  /** The median of the first ten, which are asked right after a start of PostgreSQL. */
  readonly firstTenMs: number;
  /** What PostgreSQL works for each, and how many pages of 8 kB it looks at in its memory or elsewhere: these depend on no other load. */
  readonly databaseMs: number;
  readonly pages: number;
  /** Written to its log by each, in bytes. */
  readonly walBytes: number;
}

export interface ScaleResult {
  readonly accounts: number;
  readonly sessions: number;
  readonly events: number;
  readonly date: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly memoryGb: number };
  readonly databaseGb: number;
  readonly fillSeconds: number;
  readonly startMs: number;
  readonly bytes: Readonly<Record<string, Bytes>>;
  readonly times: Readonly<Record<string, Times>>;
  readonly upkeepSeconds: Readonly<Record<string, number>>;
}

/** Of bench/results.json. */
export interface SpeedResults {
  readonly measurements: Readonly<
    Record<string, Readonly<Record<string, Readonly<Record<string, { readonly median: number }>>>>>
  >;
}

/** Of each account, and a day, where nothing else is said. */
const ASSUMED = {
  sessions: 3,
  logins: 0.05,
  registrations: 0.001,
  refreshes: 1,
  requests: 10,
  mails: 0.01,
  eventsAYear: 25,
  /** The busiest second over the average one. */
  peak: 5,
};
/** A year, and the month that is not over. */
const MONTHS_KEPT = 13;
/** Core time in ms (docs/performance.md, "What limits each"). */
const CORE_MS = { hashing: 19, loginServer: 1.4, loginDatabase: 0.9 };
/** Of one process: for requests, and past a pooler. */
const CONNECTIONS = { requests: 10, direct: 6 };
const DAY_SECONDS = 86_400;
const SIZES = [1_000_000, 10_000_000, 100_000_000];

export function sizesTable(result: ScaleResult, speed: SpeedResults): string {
  const { bytes, times } = result;
  const measured = (name: string) => speed.measurements[name]!["2000000"]!["account-server"]!.median;
  const size = (table: string) => bytes[table]!.bytesPerRow;
  const indexes = (table: string) =>
    Object.values(bytes[table]!.indexes).reduce((sum, each) => sum + each, 0);
  const rows: Record<string, (accounts: number) => string> = {
    "`users`": (n) => gigabytes(n * size("users")),
    "`sessions`": (n) => gigabytes(n * ASSUMED.sessions * size("sessions")),
    "`account_events`, a month": (n) => gigabytes((n * ASSUMED.eventsAYear * size("account_events")) / 12),
    "`account_events`, all 13 months": (n) =>
      gigabytes((n * ASSUMED.eventsAYear * size("account_events") * MONTHS_KEPT) / 12),
    "mail queue (a day), rate limits": (n) =>
      gigabytes(n * ASSUMED.mails * size("job") + n * ASSUMED.logins * 2 * size("rate_limits")),
    "**storage, all**": (n) =>
      gigabytes(
        n *
          (size("users") +
            ASSUMED.sessions * size("sessions") +
            (ASSUMED.eventsAYear * size("account_events") * MONTHS_KEPT) / 12 +
            ASSUMED.mails * size("job") +
            ASSUMED.logins * 2 * size("rate_limits")),
      ),
    "**memory of PostgreSQL**, for indexes in daily use": (n) =>
      gigabytes(
        n *
          (indexes("users") +
            ASSUMED.sessions * indexes("sessions") +
            (ASSUMED.eventsAYear * indexes("account_events")) / 12),
      ),
    "logins a second, in the peak": (n) => rate(perSecond(n, ASSUMED.logins)),
    "**cores for hashing**, in the peak": (n) =>
      cores((perSecond(n, ASSUMED.logins + ASSUMED.registrations) * CORE_MS.hashing) / 1000),
    "cores for the rest of logins: server, PostgreSQL": (n) =>
      [CORE_MS.loginServer, CORE_MS.loginDatabase]
        .map((ms) => cores((perSecond(n, ASSUMED.logins) * ms) / 1000))
        .join(", "),
    "requests with a token a second, in the peak": (n) => rate(perSecond(n, ASSUMED.requests)),
    "pairs of cores like the bench's for them, PostgreSQL included": (n) =>
      cores(perSecond(n, ASSUMED.requests) / measured("me, requests a second")),
    "refreshes a second, in the peak": (n) => rate(perSecond(n, ASSUMED.refreshes)),
    "**server processes**": (n) => String(processes(n)),
    "connections without a pooler, with one": (n) =>
      `${processes(n) * (CONNECTIONS.requests + CONNECTIONS.direct)}, ${processes(n) * CONNECTIONS.direct} + those of the pooler`,
    "**mails an hour**, in the peak": (n) => rate(perSecond(n, ASSUMED.mails) * 3600),
    "log of PostgreSQL (WAL) a day, at most": (n) =>
      gigabytes(
        n *
          (ASSUMED.logins * times["login"]!.walBytes +
            ASSUMED.refreshes * times["refreshSession"]!.walBytes +
            ASSUMED.registrations * times["register"]!.walBytes),
      ),
    "time to copy all rows out, on one core": (n) => duration(copySeconds(result, n)),
  };
  return markdownTable(
    ["accounts", ...SIZES.map((accounts) => accounts.toLocaleString("en"))],
    Object.entries(rows).map(([name, of]) => [name, ...SIZES.map(of)]),
  );

  /** At least two, so that one can be replaced. A process with a pair of cores for itself. */
  function processes(accounts: number): number {
    const pairs = perSecond(accounts, ASSUMED.requests) / measured("me, requests a second");
    const hashing = (perSecond(accounts, ASSUMED.logins) * CORE_MS.hashing) / 1000 / 2;
    return Math.max(2, Math.ceil(pairs + hashing));
  }
}

export function bytesTable({ bytes }: ScaleResult): string {
  const rows = Object.entries(bytes).map(([table, { bytesPerRow, heap, indexes }]) => [
    `\`${table}\``,
    String(Math.round(bytesPerRow)),
    String(Math.round(heap)),
    Object.entries(indexes)
      .filter(([, each]) => each >= 1)
      .map(([index, each]) => `${index} ${Math.round(each)}`)
      .join(", "),
  ]);
  return markdownTable(["table", "bytes a row", "heap", "indexes"], rows);
}

export function timesTable(results: readonly ScaleResult[]): string {
  const names = Object.keys(results[0]!.times);
  return markdownTable(
    ["request", ...results.map(heading)],
    names.map((name) => [
      name,
      ...results.map(({ times }) => {
        const { pages, databaseMs, medianMs } = times[name]!;
        return `${Math.round(pages)} pages, ${databaseMs} ms; ${Math.round(medianMs)} ms`;
      }),
    ]),
  );
}

export function upkeepTable(results: readonly ScaleResult[]): string {
  // Numbers of rows in the names differ by size.
  const columns = results.map(({ upkeepSeconds }) => Object.entries(upkeepSeconds));
  return markdownTable(
    ["upkeep", ...results.map(heading)],
    columns[0]!.map(([name], row) => [
      name.replace(/copy \d+ events/, "copy the events of a month"),
      ...columns.map((column) => `${column[row]![1]} s`),
    ]),
  );
}

/** Replaces the tables between their markers. */
export function withScaleTables(page: string, results: readonly ScaleResult[], speed: SpeedResults): string {
  const largest = results.at(-1)!;
  const tables = {
    sizes: sizesTable(largest, speed),
    bytes: bytesTable(largest),
    times: timesTable(results),
    upkeep: upkeepTable(results),
  };
  return Object.entries(tables).reduce((text, [name, table]) => {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
    const [before = "", after = ""] = [text.split(begin)[0], text.split(end)[1]];
    return `${before}${begin}\n\n${table}\n\n${end}${after}`;
  }, page);
}

const heading = ({ accounts, sessions, events }: ScaleResult) =>
  `${millions(accounts)} accounts, ${millions(sessions)} sessions, ${millions(events)} events`;

const perSecond = (accounts: number, aDay: number) => (accounts * aDay * ASSUMED.peak) / DAY_SECONDS;

/** All partitions together, from the rows that were copied. */
function copySeconds({ sessions, accounts, upkeepSeconds }: ScaleResult, wanted: number): number {
  const [month, ofMonth] = Object.entries(upkeepSeconds).find(([name]) => /^copy \d+ events/.test(name))!;
  const event = ofMonth / Number(/\d+/.exec(month)![0]);
  const session = upkeepSeconds["copy all sessions out, as pg_dump does"]! / sessions;
  const account = upkeepSeconds["copy all accounts out, as pg_dump does"]! / accounts;
  const kept = (ASSUMED.eventsAYear * MONTHS_KEPT) / 12;
  return wanted * (account + ASSUMED.sessions * session + kept * event);
}

const significant = (value: number) => Number(value.toPrecision(2)).toLocaleString("en");
const gigabytes = (value: number) => `${significant(value / 1e9)} GB`;
const rate = significant;
const cores = significant;
const millions = (value: number) => `${significant(value / 1e6)} M`;
const duration = (seconds: number) =>
  seconds < 5400 ? `${significant(seconds / 60)} min` : `${significant(seconds / 3600)} h`;
