// Long reads on replicas (hot standbys) of the database. A replica answers only if it has everything that was committed when the read
// began, whoever committed it, so that nobody misses what they have just written. Where none can, the primary answers.
import { setTimeout as delay } from "node:timers/promises";

import { IsolationLevel, type EntityManager } from "@mikro-orm/postgresql";

import type { Logger } from "../log.ts";
import { traced } from "../tracing.ts";
import { connectionCounter, type ConnectionCounts } from "./connections.ts";
import { placeOf } from "./database-url.ts";
import { reasonOf } from "./health.ts";
import { connectOrm, type Orm } from "./orm.ts";
import { Outage } from "./outage.ts";

/** A replica is milliseconds behind; one that is further behind is left alone for a while. */
const CATCHES_UP_WITHIN_MS = 100;
const ASKED_EVERY_MS = 5;

/** How far the primary is. */
interface Position {
  readonly lsn: string;
  readonly timeline: string;
  readonly database: string;
}

// The name of the database with that of its cluster, which a replica has in common with its primary.
const DATABASE =
  "(select concat(current_database(), ' of ', system_identifier) from pg_control_system()) as database";

// Whatever was acknowledged is flushed, unless commits do not wait for it. What is not flushed does not reach a replica.
const POSITION = `
  select case current_setting('synchronous_commit') when 'off' then pg_current_wal_insert_lsn() else pg_current_wal_flush_lsn() end as lsn,
    left(pg_walfile_name(pg_current_wal_flush_lsn()), 8) as timeline, ${DATABASE}`;

// A position tells nothing about a replica on another timeline: one of a former primary may be further, and yet know nothing of what
// was written since. A replica's own timeline is known from its last restartpoint, so after a failover it takes a few minutes.
const PROGRESS = `
  select set_config('statement_timeout', '4s', true), set_config('idle_in_transaction_session_timeout', '10s', true),
    pg_is_in_recovery() as is_replica, coalesce(pg_last_wal_replay_lsn() >= ?::pg_lsn, false) as is_there,
    (select lpad(upper(to_hex(timeline_id)), 8, '0') from pg_control_checkpoint()) as timeline, ${DATABASE}`;

interface Progress {
  is_replica: boolean;
  is_there: boolean;
  timeline: string;
  database: string;
}

/** Is told who answers a long read, and when a replica begins and ends not to be asked. */
export interface ReadObserver {
  longRead(by: "replica" | "primary"): void;
  replicaOutage(isOut: boolean): void;
}

type Work<T> = (em: EntityManager) => Promise<T>;

export class ReadReplicas {
  readonly #primary: Orm;
  readonly #observer: ReadObserver | undefined;
  #replicas: readonly ReadReplica[] = [];
  #turn = 0;

  private constructor(primary: Orm, observer: ReadObserver | undefined) {
    this.#primary = primary;
    this.#observer = observer;
  }

  /** Waits for none of them: the primary answers for those that are away. */
  static async open(
    urls: readonly string[],
    primary: Orm,
    log: Logger,
    observer?: ReadObserver,
  ): Promise<ReadReplicas> {
    const replicas = new ReadReplicas(primary, observer);
    const position = () => replicas.#position();
    replicas.#replicas = await Promise.all(
      urls.map(async (url) => {
        const orm = await connectOrm(url, "replica reads");
        return new ReadReplica({ orm, place: placeOf(url), position, log, observer });
      }),
    );
    for (const replica of replicas.#replicas) void replica.try();
    return replicas;
  }

  /** Does `work`, which only reads; a second time, if a replica fails in the middle of it. */
  async read<T>(work: Work<T>): Promise<T> {
    const replica = this.#next();
    if (!replica) return this.#readAtPrimary(work);
    try {
      const result = await replica.read(await this.#position(), work);
      this.#observer?.longRead("replica");
      return result;
    } catch (error) {
      const result = await this.#readAtPrimary(work); // what fails there, too, is not the replica's fault
      replica.outage.noticed(reasonOf(error));
      return result;
    }
  }

  /** @returns what counts the connections to all of them now */
  async connectionCounter(): Promise<() => ConnectionCounts> {
    const counters = await Promise.all(this.#replicas.map((replica) => replica.connectionCounter()));
    return () => {
      const counts = counters.map((count) => count());
      const sum = (what: keyof ConnectionCounts) => counts.reduce((total, count) => total + count[what], 0);
      return { used: sum("used"), idle: sum("idle"), waiting: sum("waiting") };
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#replicas.map((replica) => replica.close()));
  }

  /** In turns, one of those that are well. */
  #next(): ReadReplica | undefined {
    const well = this.#replicas.filter(({ outage }) => !outage.isUnderWay);
    this.#turn += 1;
    return well[this.#turn % well.length];
  }

  async #readAtPrimary<T>(work: Work<T>): Promise<T> {
    const result = await work(this.#primary.em.fork());
    this.#observer?.longRead("primary");
    return result;
  }

  async #position(): Promise<Position> {
    const [position] = await this.#primary.em.fork().execute<[Position]>(POSITION);
    return position;
  }
}

interface ReplicaParts {
  readonly orm: Orm;
  /** For messages. */
  readonly place: string;
  readonly position: () => Promise<Position>;
  readonly log: Pick<Logger, "warn" | "info">;
  readonly observer: ReadObserver | undefined;
}

class ReadReplica {
  readonly #parts: ReplicaParts;
  readonly outage: Outage;

  constructor(parts: ReplicaParts) {
    this.#parts = parts;
    const { place: replica, log, observer } = parts;
    this.outage = new Outage({
      check: () => this.#fault(),
      begins: (reason) => {
        observer?.replicaOutage(true);
        log.warn({ replica, reason }, "a read replica is not asked: the primary answers in its place");
      },
      ends: (seconds) => {
        observer?.replicaOutage(false);
        log.info({ replica, seconds }, "the read replica is asked again");
      },
    });
  }

  /** @throws {Error} if it does not get to the position soon, or fails at the work */
  read<T>(position: Position, work: Work<T>): Promise<T> {
    // One transaction, and so one connection: the next one may lead to another replica, or to one that was restarted and is behind.
    const transaction = () =>
      this.#parts.orm.em.fork().transactional(
        async (em) => {
          await getTo(em, position);
          return work(em);
        },
        { isolationLevel: IsolationLevel.READ_COMMITTED, readOnly: true },
      );
    return traced("read at replica", transaction, { kind: "CLIENT" });
  }

  /** Whether it can be asked, found out before somebody needs it. */
  async try(): Promise<void> {
    const fault = await this.#fault();
    if (fault !== null) this.outage.noticed(fault);
  }

  connectionCounter(): Promise<() => ConnectionCounts> {
    return connectionCounter(this.#parts.orm);
  }

  async close(): Promise<void> {
    this.outage.stop();
    await this.#parts.orm.close();
  }

  async #fault(): Promise<string | null> {
    try {
      await this.read(await this.#parts.position(), () => Promise.resolve());
      return null;
    } catch (error) {
      return reasonOf(error);
    }
  }
}

/** Each statement of the transaction sees what the replica has replayed by then, so those after this see all up to the position. */
async function getTo(em: EntityManager, { lsn, timeline, database }: Position): Promise<void> {
  for (const began = performance.now(); ;) {
    const [progress] = await em.execute<[Progress]>(PROGRESS, [lsn]);
    if (!progress.is_replica) throw new Error("it takes writes, so it is no replica");
    if (progress.database !== database)
      throw new Error(`it is a replica of the database ${progress.database}, not of ${database}`);
    if (progress.timeline !== timeline)
      throw new Error("it follows another primary, or has made no restartpoint since the last failover");
    if (progress.is_there) return;
    if (performance.now() - began > CATCHES_UP_WITHIN_MS) throw new Error("it lags behind the primary");
    await delay(ASKED_EVERY_MS);
  }
}
