// How long PostgreSQL and the driver wait, by what a connection is for.

/** In milliseconds. Options of the driver, which sends all but the last of each to PostgreSQL. */
export const TIME_LIMITS = {
  /**
   * What a request does: it waits for no lock, silent database or slow statement longer than a client would. A transaction whose
   * server has frozen is ended, and its locks with it.
   */
  requests: {
    lock_timeout: 3_000,
    statement_timeout: 10_000,
    idle_in_transaction_session_timeout: 10_000,
    /** By the driver's clock, for a database that does not answer at all. */
    query_timeout: 12_000,
  },
  /** The same through a pooler, which takes no limits from a client: those of PostgreSQL are its role's (docs/operations.md). */
  "pooled requests": { query_timeout: 12_000 },
  /**
   * What a request reads on a replica: less long, because the primary can answer in its place. PostgreSQL's limits are set in each
   * transaction (read-replicas.ts), because there may be a pooler in between.
   */
  "replica reads": { query_timeout: 5_000 },
  /** The mail queue: its upkeep takes a while if it is long. */
  queue: {
    lock_timeout: 10_000,
    statement_timeout: 60_000,
    idle_in_transaction_session_timeout: 10_000,
    query_timeout: 65_000,
  },
  /**
   * Migrations, imports, the daily job: only a server that has frozen is not waited for. Zero is no limit; it takes away that which
   * the role may have for requests.
   */
  "long work": {
    idle_in_transaction_session_timeout: 15_000,
    options: "-c lock_timeout=0 -c statement_timeout=0",
  },
};

/** What a connection is for. */
export type Work = keyof typeof TIME_LIMITS;
