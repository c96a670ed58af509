// Mails to send and the daily task, kept in PostgreSQL by pg-boss (its only home) beside the accounts: what
// enqueues shares the caller's transaction, what is sent shares nothing with it.
import { fromKysely, PgBoss, type JobResult, type JobWithMetadata } from "pg-boss";

import type { EntityManager } from "@mikro-orm/postgresql";

import type { Logger } from "../log.ts";

/** pg-boss owns this schema; its tables show each mail's status (docs/operations.md). */
const QUEUE_SCHEMA = "accounts_queue";
const MAIL = "mail";
const DAILY = "daily";

const MAIL_QUEUE = {
  notify: true, // the worker hears of a mail at its commit instead of polling
  heartbeatSeconds: 10, // a killed worker's mail is taken up by another after this long without a sign of life
  expireInSeconds: 120,
  // 1, 2, 4, ... up to 300 seconds between attempts: about a day of a mail server's outage.
  retryBackoff: true,
  retryDelay: 1,
  retryDelayMax: 300,
  retryLimit: 300,
  retentionSeconds: 7 * 24 * 60 * 60,
  deleteAfterSeconds: 24 * 60 * 60,
};
/** A batch is taken from the queue, and done, by one statement each. While one waits for a slow mail, the others go on. */
const BATCHES_AT_ONCE = 3;
const MAILS_A_BATCH = 7;

export interface MailQueueParts {
  readonly databaseUrl: string;
  readonly log: Logger;
  /** For whoever only enqueues: no upkeep of the queue, and no worker. */
  readonly isPassive?: boolean;
}

/** One delivery of a queued mail. */
export interface QueuedMail<Job> {
  /** The same at each attempt. */
  readonly id: string;
  /** 0 for the first. */
  readonly attempt: number;
  readonly job: Job;
}

/** Mails on their way, each a row beside the accounts. */
export class MailQueue<Job extends object> {
  readonly #boss: PgBoss;
  readonly #log: Logger;
  #isStopping = false;

  constructor({ databaseUrl, log, isPassive = false }: MailQueueParts) {
    this.#log = log;
    this.#boss = isPassive ? passiveBoss(databaseUrl, false) : activeBoss(databaseUrl);
    this.#boss.on("error", (error) => {
      // While stopping, connections end in whatever order.
      this.#log[this.#isStopping ? "debug" : "error"](
        { err: error },
        "mail queue: the database does not answer",
      );
    });
    this.#boss.on("warning", ({ message }) => this.#log.debug(`mail queue: ${message}`));
  }

  /** Creates or upgrades the queue's tables; safe to run from several replicas at once. */
  static async migrate(databaseUrl: string): Promise<void> {
    const boss = passiveBoss(databaseUrl, true);
    try {
      await boss.start();
      await boss.createQueue(MAIL, MAIL_QUEUE);
      await boss.updateQueue(MAIL, MAIL_QUEUE);
      await boss.createQueue(DAILY, { policy: "singleton", retryLimit: 3 });
      await boss.schedule(DAILY, "17 3 * * *");
    } finally {
      await boss.stop({ graceful: false });
    }
  }

  /** Whether the queue's tables are those of this version. */
  static async isMigrated(databaseUrl: string): Promise<boolean> {
    const boss = passiveBoss(databaseUrl, false);
    try {
      await boss.start();
      return true;
    } catch (error) {
      if (/not installed|requires migrations/.test((error as Error).message)) return false;
      throw error;
    } finally {
      await boss.stop({ graceful: false });
    }
  }

  /** Connects and listens for commits; nothing is sent before `work`. */
  async start(): Promise<void> {
    await this.#boss.start();
  }

  /** Adds a mail within the transaction of `em`: it is sent if and only if that commits. */
  async enqueue(em: EntityManager, job: Job): Promise<void> {
    await this.#boss.send(MAIL, job, { db: fromKysely(em.getKysely()) });
  }

  /** Hands every mail to `send`, which throws to have it sent again later. */
  async work(send: (mail: QueuedMail<Job>) => Promise<void>): Promise<void> {
    const options = {
      includeMetadata: true as const,
      localConcurrency: BATCHES_AT_ONCE,
      batchSize: MAILS_A_BATCH,
      burstWhenBatchFull: true, // there are more; by itself it would wait for a commit or the next poll
      perJobResults: true as const, // one that fails keeps no other from being done
      // A commit is notified, a retry that has become due is not: it is found by asking now and then.
      notifyPollingIntervalSeconds: 2,
    };
    const sendOne = async ({ id, retryCount, data }: JobWithMetadata<Job>): Promise<JobResult> => {
      try {
        await send({ id, attempt: retryCount, job: data });
        return { id, status: "completed" };
      } catch (error) {
        return { id, status: "failed", output: { message: (error as Error).message } };
      }
    };
    await this.#boss.work<Job, unknown, typeof options>(MAIL, options, (jobs) =>
      Promise.all(jobs.map(sendOne)),
    );
  }

  /** Runs `task` once a day, on one replica. */
  async everyDay(task: () => Promise<void>): Promise<void> {
    await this.#boss.work(DAILY, task);
  }

  /** Lets mails in hand finish for up to `timeoutSeconds`, then returns them to the queue. */
  async stop(timeoutSeconds: number): Promise<void> {
    this.#isStopping = true;
    await this.#boss.stop({ graceful: true, timeout: timeoutSeconds * 1000 });
  }
}

function activeBoss(databaseUrl: string): PgBoss {
  return new PgBoss({
    connectionString: databaseUrl,
    application_name: "account-server queue",
    schema: QUEUE_SCHEMA,
    max: BATCHES_AT_ONCE + 2,
    useListenNotify: true,
    migrate: false,
    registerInstance: false,
    // Often enough to bring a killed worker's mail back within seconds.
    superviseIntervalSeconds: 5,
    monitorIntervalSeconds: 5,
  });
}

/** Does nothing by itself: for looking at the tables, making them, and enqueuing. */
function passiveBoss(databaseUrl: string, migrates: boolean): PgBoss {
  const boss = new PgBoss({
    connectionString: databaseUrl,
    schema: QUEUE_SCHEMA,
    migrate: migrates,
    createSchema: migrates,
    supervise: false,
    schedule: false,
    registerInstance: false,
    max: 2,
  });
  boss.on("error", () => undefined); // what matters rejects the call
  return boss;
}
