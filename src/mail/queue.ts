// The mail queue and the daily task, in the same PostgreSQL database as the accounts. It is an outbox: enqueuing is part of
// the caller's transaction, and sending is independent of it. The only file that imports pg-boss.
import { fromKysely, PgBoss, type JobResult, type JobWithMetadata } from "pg-boss";

import type { EntityManager } from "@mikro-orm/postgresql";

import type { Logger } from "../log.ts";

/** The schema of pg-boss, whose tables show the state of each email (docs/operations.md). */
const QUEUE_SCHEMA = "accounts_queue";
const MAIL = "mail";
const DAILY = "daily";

const MAIL_QUEUE = {
  notify: true, // the worker is notified of an email at the commit, instead of polling
  heartbeatSeconds: 10, // without a heartbeat for this long, a worker counts as dead and another takes over its email
  expireInSeconds: 120,
  // Exponential backoff of 1, 2, 4, ... up to 300 seconds, which covers an outage of the SMTP server for about a day.
  retryBackoff: true,
  retryDelay: 1,
  retryDelayMax: 300,
  retryLimit: 300,
  retentionSeconds: 7 * 24 * 60 * 60,
  deleteAfterSeconds: 24 * 60 * 60,
};
/** One statement fetches a batch and one completes it. While one batch waits for a slow email, the others continue. */
const BATCHES_AT_ONCE = 3;
const MAILS_A_BATCH = 7;

export interface MailQueueParts {
  readonly databaseUrl: string;
  readonly log: Logger;
  /** Whether an error means that the database cannot serve now; it has been logged then. */
  readonly isOutage?: (error: unknown) => boolean;
  /** Only enqueues, without maintenance of the queue and without a worker. */
  readonly isPassive?: boolean;
}

/** One attempt to deliver a queued email. */
export interface QueuedMail<Job> {
  /** The same for all attempts. */
  readonly id: string;
  /** 0 for the first attempt. */
  readonly attempt: number;
  readonly job: Job;
}

/** The queue of emails to send, one row per email. */
export class MailQueue<Job extends object> {
  readonly #boss: PgBoss;
  readonly #log: Logger;
  #isStopping = false;

  constructor({ databaseUrl, log, isOutage = () => false, isPassive = false }: MailQueueParts) {
    this.#log = log;
    this.#boss = isPassive ? passiveBoss(databaseUrl, false) : activeBoss(databaseUrl);
    this.#boss.on("error", (error) => {
      // Expected while stopping, because connections are closed in any order.
      if (!this.#isStopping && isOutage(error)) return;
      this.#log[this.#isStopping ? "debug" : "error"](
        { err: error },
        "mail queue: the database does not respond",
      );
    });
    this.#boss.on("warning", ({ message }) => this.#log.debug(`mail queue: ${message}`));
  }

  /** Creates or upgrades the queue's tables. Several replicas can do this at the same time. */
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

  /** Whether the queue's tables match this version. */
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

  /** Connects and listens for notifications. Nothing is sent before `work`. */
  async start(): Promise<void> {
    await this.#boss.start();
  }

  /**
   * Adds an email in the transaction of `em`: it is sent if and only if the transaction commits.
   * @param afterSeconds how long it waits at least; a worker finds it when it polls the next time
   */
  async enqueue(em: EntityManager, job: Job, afterSeconds = 0): Promise<void> {
    await this.#boss.send(MAIL, job, { db: fromKysely(em.getKysely()), startAfter: afterSeconds });
  }

  /** Passes every email to `send`, which throws if the email has to be sent again later. */
  async work(send: (mail: QueuedMail<Job>) => Promise<void>): Promise<void> {
    const options = {
      includeMetadata: true as const,
      localConcurrency: BATCHES_AT_ONCE,
      batchSize: MAILS_A_BATCH,
      burstWhenBatchFull: true, // fetches the next batch at once, instead of waiting for a notification or the next poll
      perJobResults: true as const, // an email that fails does not fail the rest of its batch
      // A commit sends a notification, but a retry or an email that becomes due does not, so it is found by polling.
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

  /** Lets emails in progress finish for up to `timeoutSeconds`, then returns them to the queue. */
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
    // Frequent, so that a killed worker's emails return to the queue within seconds.
    superviseIntervalSeconds: 5,
    monitorIntervalSeconds: 5,
  });
}

/** Does nothing in the background. For checking the tables, creating them, and enqueuing. */
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
  boss.on("error", () => undefined); // errors that matter reject the call
  return boss;
}
