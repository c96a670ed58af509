// How the driver connects to a database: with one host, or with several, of which the one that takes writes is looked up for each new
// connection, as libpq does with target_session_attrs=read-write.
import { Socket } from "node:net";
import { checkServerIdentity } from "node:tls";

import { Client, type ClientConfig, type PoolConfig } from "pg";
import { parseIntoClientConfig } from "pg-connection-string";

import { urlsOfHosts } from "./database-url.ts";
import { TIME_LIMITS, type Work } from "./time-limits.ts";

export type { ClientConfig };

/** A host has to answer within this time. */
const ANSWERS_WITHIN_MS = 2_000;
/** So that connections which are opened together ask once. */
const ASKED_EVERY_MS = 1_000;
/** PostgreSQL's codes for what no waiting mends: a wrong password or name. */
const REFUSED_FOR_GOOD = /^(28|3D)/;
/** PostgreSQL's code for a connection that cannot be established. */
const UNREACHABLE = "08001";

/** The driver's options. Without `work`, they have no time limits. */
export function connectionTo(databaseUrl: string, work?: Work): PoolConfig {
  return {
    ...hostOf(databaseUrl),
    ...(work && TIME_LIMITS[work]),
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
}

function hostOf(databaseUrl: string): ClientConfig {
  const urls = urlsOfHosts(databaseUrl);
  if (urls.length === 1) return { connectionString: databaseUrl };
  const hosts = urls.map((url) => parseIntoClientConfig(url));
  const finder = new HostFinder(hosts);
  const [first] = hosts as [ClientConfig];
  return {
    ...first,
    // The driver knows the first host only, and would compare its name. The finder has met this one under its own.
    ...(typeof first.ssl === "object" && {
      ssl: { ...first.ssl, checkServerIdentity: (_name, certificate) => finder.checkIdentity(certificate) },
    }),
    stream: () => new SocketToFound(finder),
  };
}

type Certificate = Parameters<typeof checkServerIdentity>[1];

/** Knows which of several hosts takes writes. */
class HostFinder {
  readonly #hosts: readonly ClientConfig[];
  #finding: Promise<ClientConfig> | undefined;

  constructor(hosts: readonly ClientConfig[]) {
    this.#hosts = hosts;
  }

  /** @throws {Error} with the reason for each host */
  find(): Promise<ClientConfig> {
    if (!this.#finding) {
      this.#finding = this.#ask();
      setTimeout(() => (this.#finding = undefined), ASKED_EVERY_MS).unref();
    }
    return this.#finding;
  }

  /** Whether the certificate is that of one of the hosts. */
  checkIdentity(certificate: Certificate): Error | undefined {
    const faults = this.#hosts.map(({ host = "" }) => checkServerIdentity(host, certificate));
    return faults.includes(undefined) ? undefined : faults[0];
  }

  /** All at once, so that a silent host delays nothing. */
  async #ask(): Promise<ClientConfig> {
    try {
      return await Promise.any(this.#hosts.map(thatTakesWrites));
    } catch (error) {
      const faults = (error as AggregateError).errors as (Error & { code?: string })[];
      const reasons = faults.map(
        ({ message, code }, index) => `${nameOf(this.#hosts[index])}: ${message || code}`,
      );
      const isForGood = faults.every(({ code = "" }) => REFUSED_FOR_GOOD.test(code));
      throw Object.assign(new Error(`no host takes writes; ${reasons.join(", ")}`), {
        code: isForGood ? faults[0]?.code : UNREACHABLE,
      });
    }
  }
}

const nameOf = ({ host, port }: ClientConfig = {}) => `${host}:${port ?? DEFAULT_PORT}`;
const DEFAULT_PORT = 5432;

/** Whether the database takes no writes, as a replica, or as one that was set so. */
export const READ_ONLY =
  "select pg_is_in_recovery() or current_setting('transaction_read_only')::bool as readonly";

/** @throws {Error} unless it does */
async function thatTakesWrites(host: ClientConfig): Promise<ClientConfig> {
  const client = new Client({
    ...host,
    application_name: "account-server",
    connectionTimeoutMillis: ANSWERS_WITHIN_MS,
    query_timeout: ANSWERS_WITHIN_MS,
  });
  client.on("error", () => undefined); // whatever matters rejects a call
  try {
    await client.connect();
    const { rows } = await client.query<{ readonly: boolean }>(READ_ONLY);
    if (rows[0]?.readonly !== false) throw new Error("it is read-only");
    return host;
  } finally {
    void client.end().catch(() => undefined);
  }
}

/** A socket that connects to the host which the finder has found, whatever host it is given. */
class SocketToFound extends Socket {
  readonly #finder: HostFinder;

  constructor(finder: HostFinder) {
    super();
    this.#finder = finder;
  }

  override connect(): this {
    this.#finder.find().then(
      ({ host = "", port = DEFAULT_PORT }) => {
        if (!this.destroyed) super.connect(port, host); // the pool may have given up meanwhile
      },
      (error: unknown) => this.destroy(error as Error),
    );
    return this;
  }
}

const TRANSACTION = /^(?:begin|start transaction|commit|rollback)\b(?! to)/i;
const TIMED_OUT = "Query read timeout";

/**
 * A client of a pool that is never lost to it. Kysely does not return a connection whose begin, commit or rollback fails
 * (kysely-org/kysely#1990): ten of them, as one outage leaves them, and the pool is empty for good. Such a connection is given up here.
 * So is one whose statement the driver no longer waits for: the next user would wait for the same answer.
 */
class ReturningClient extends Client {
  #isGivenUp = false;

  constructor(config?: ClientConfig) {
    super(config);
    const query = this.query.bind(this) as (...args: unknown[]) => unknown;
    this.query = ((...args: unknown[]) => {
      const answer = query(...args);
      if (answer instanceof Promise) answer.catch((error: unknown) => this.#failed(args[0], error as Error));
      return answer;
    }) as Client["query"];
  }

  #failed(statement: unknown, error: Error): void {
    const client = this as unknown as {
      release?(error: Error): void; // of whoever uses it
      connection: { stream: Socket };
    };
    if (typeof statement === "string" && TRANSACTION.test(statement)) {
      if (!this.#isGivenUp) client.release?.(error);
      this.#isGivenUp = true;
    } else if (error.message === TIMED_OUT) client.connection.stream.destroy();
  }
}

/**
 * For a pooler, which may give each statement another connection of its own: none is prepared under a name, because the next
 * connection would not know it.
 */
class UnpreparedClient extends ReturningClient {
  constructor(config?: ClientConfig) {
    super(config);
    const query = this.query.bind(this) as (...args: unknown[]) => unknown;
    this.query = ((first: unknown, ...rest: unknown[]) => query(unnamed(first), ...rest)) as Client["query"];
  }
}

/** The class of MikroORM's connections. */
export function clientFor(work?: Work): typeof Client {
  return work === "pooled requests" ? UnpreparedClient : ReturningClient;
}

function unnamed(query: unknown): unknown {
  const isPlain = typeof query === "object" && query !== null && !("submit" in query);
  return isPlain ? { ...query, name: undefined } : query;
}
