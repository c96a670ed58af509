// The mail queue and the daily task, in the same PostgreSQL database as the accounts. It is an outbox: enqueuing is part of
// the caller's transaction, and sending is independent of it. The only file that imports pg-boss.
import { createRequire } from "node:module";

import { fromKysely, PgBoss, type JobResult, type JobWithMetadata } from "pg-boss";

import type { EntityManager } from "@mikro-orm/postgresql";

import type { Logger } from "../log.ts";
import { traceToContinue } from "../tracing.ts";

/** The schema of pg-boss, whose tables show the state of each email (docs/operations.md). */
const QUEUE_SCHEMA = "accounts_queue";
/** The version of its tables. pg-boss tells only whether the tables of a database have another one. */
const SCHEMA_VERSION = (
  createRequire(import.meta.url)("pg-boss/package.json") as { pgboss: { schema: number } }
).pgboss.schema;
/** The name of a server's connections for it. */
const SERVING = "account-server queue";
const MAIL = "mail";
const DAILY = "daily";
/** For statements that ask about emails: one row per email, from its request until a day after it was sent. */
export const MAIL_JOBS = `(select * from ${QUEUE_SCHEMA}.job where name = '${MAIL}') as mail_jobs`;

/** Emails are kept until they are sent, dropped, or given up by an operator: never deleted by age, or given up by number. */
const FOR_EVER_SECONDS = 50 * 365 * 24 * 60 * 60;
const NEVER = 1_000_000_000;
const MAIL_QUEUE = {
  notify: true, // the worker is notified of an email at the commit, instead of polling
  heartbeatSeconds: 10, // without a heartbeat for this long, a worker counts as dead and another takes over its email
  // More than an email can be in hand. Heartbeats find a dead worker; this would only send the email of a living one twice.
  expireInSeconds: 60 * 60,
  // After a lost heartbeat. Other failures bring a delay of their own.
  retryDelay: 1,
  retryBackoff: false,
  retryLimit: NEVER,
  retentionSeconds: FOR_EVER_SECONDS,
  deleteAfterSeconds: 24 * 60 * 60, // of what was sent; what has failed is kept
};
/** One statement fetches a batch and one completes it. While one batch waits for a slow email, the others continue. */
const BATCHES_AT_ONCE = 3;
const MAILS_A_BATCH = 7;
/** Of the lane for slow emails, which take one at a time. */
const SLOW_AT_ONCE = 2;
/** The lanes are priorities of one queue, so that an email is one row from its begin to its end. */
const PRIORITY = { ordinary: 0, slow: -1 };
export type Lane = keyof typeof PRIORITY;

export interface MailQueueParts {
  /** The driver's options for the database. */
  readonly connection: object;
  readonly log: Logger;
  /** Whether an error means that the database cannot serve now; it has been logged then. */
  readonly isOutage?: (error: unknown) => boolean;
  /** Only enqueues, without maintenance of the queue and without a worker. */
  readonly isPassive?: boolean;
}

/** Why an email was not sent, and how often so far. Stored as the output of its job. */
export interface Fault {
  /** Contains nothing from the email. */
  readonly message: string;
  readonly kind: string;
  /** How often the SMTP server has put it off, outages not counted. */
  readonly deferrals: number;
  /** How often nobody knows whether the SMTP server has taken it. */
  readonly unsure: number;
}

/** One attempt to deliver a queued email. */
export interface QueuedMail<Job> {
  /** The same for all attempts. */
  readonly id: string;
  /** 0 for the first attempt. */
  readonly attempt: number;
  readonly job: Job;
  readonly lane: Lane;
  /** The trace in which it was requested (W3C Trace Context). */
  readonly trace: { readonly traceparent?: string };
  /** Of the attempt before. */
  readonly fault: Fault | null;
}

/** What becomes of an email after an attempt. */
export type Verdict =
  | { readonly status: "done" }
  /** Kept until an operator decides. */
  | { readonly status: "failed"; readonly fault: Fault }
  | {
      readonly status: "later";
      readonly seconds: number;
      readonly lane: Lane;
      readonly fault: Fault | null;
      /** If the SMTP server has the email, what becomes of it in the end. */
      readonly answer?: Promise<Verdict>;
    };

/** What an operator sees of an email. */
export type MailState = "waiting" | "sending" | "retrying" | "failed" | "done";

export interface MailEntry<Job> {
  readonly id: string;
  readonly state: MailState;
  readonly job: Job;
  readonly createdAt: Date;
  /** When it is tried next, if it waits for that. */
  readonly dueAt: Date;
  /** How often a server has taken it in hand. */
  readonly attempts: number;
  /** Why the last attempt failed, or null. */
  readonly reason: string | null;
}

/** pg-boss's names of the states. */
const STATES = {
  waiting: "created",
  sending: "active",
  retrying: "retry",
  failed: "failed",
  done: "completed",
} as const satisfies Record<MailState, string>;
const ENTRIES_A_PAGE = 1000;

/** What of the emails is not sent, for whoever watches the queue. */
export interface Unsent {
  /** `deferred` is what the SMTP server has put off; what an outage keeps is `waiting`. */
  readonly state: "waiting" | "deferred" | "failed";
  readonly count: number;
  readonly oldestSeconds: number;
}

const NONE_UNSENT: readonly Unsent[] = (["waiting", "deferred", "failed"] as const).map((state) => ({
  state,
  count: 0,
  oldestSeconds: 0,
}));

type Send<Job> = (mail: QueuedMail<Job>) => Promise<Verdict>;

/** The queue of emails to send, one row per email. */
export class MailQueue<Job extends object> {
  readonly #boss: PgBoss;
  readonly #log: Logger;
  readonly #answers = new Set<Promise<void>>();
  #send: Send<Job> = () => Promise.reject(new Error("the mail queue has no worker"));
  #isPaused = false;
  #isStopping = false;

  constructor({ connection, log, isOutage = () => false, isPassive = false }: MailQueueParts) {
    this.#log = log;
    this.#boss = isPassive ? passiveBoss(connection, false) : activeBoss(connection);
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
  static async migrate(connection: object): Promise<void> {
    const boss = passiveBoss(connection, true);
    try {
      await boss.start();
      await boss.createQueue(MAIL, MAIL_QUEUE);
      await boss.updateQueue(MAIL, MAIL_QUEUE);
      // Emails of an earlier version, which kept them for a week.
      await boss.getDb().executeSql(
        `update ${QUEUE_SCHEMA}.job set keep_until = created_on + make_interval(secs => ${FOR_EVER_SECONDS}),
           retry_limit = ${NEVER}, expire_seconds = ${MAIL_QUEUE.expireInSeconds},
           deletion_seconds = case state when 'failed' then 0 else deletion_seconds end
         where name = '${MAIL}' and state in ('created', 'retry', 'failed') and retry_limit < ${NEVER}`,
      );
      await boss.createQueue(DAILY, { policy: "singleton", retryLimit: 3 });
      await boss.schedule(DAILY, "17 3 * * *");
    } finally {
      await boss.stop({ graceful: false });
    }
  }

  /** How old the queue's tables are beside this version; those that are missing are older. */
  static async age(connection: object): Promise<"older" | "same" | "newer"> {
    const boss = passiveBoss(connection, false);
    try {
      await boss.start();
      return "same";
    } catch (error) {
      const { message } = error as Error;
      if (message.includes("not installed")) return "older";
      if (!message.includes("requires migrations")) throw error;
      return ((await boss.schemaVersion()) ?? 0) > SCHEMA_VERSION ? "newer" : "older";
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
    const traced = { ...job, ...traceToContinue() };
    await this.#boss.send(MAIL, traced, { db: fromKysely(em.getKysely()), startAfter: afterSeconds });
  }

  /**
   * Keeps every email that is not sent until an operator decides, in the transaction of `em`.
   * @param reason what the operator reads
   * @param counter a number of each job that goes up by one, also in those that an operator has to decide about already
   * @returns how many waited
   */
  async holdAll(em: EntityManager, reason: string, counter: keyof Job & string): Promise<number> {
    const fault: Fault = { message: reason, kind: "held", deferrals: 0, unsure: 0 };
    const { rows } = await fromKysely(em.getKysely()).executeSql(
      `with unsent as (
         update ${QUEUE_SCHEMA}.job as job
         set data = jsonb_set(job.data, array[$2::text], to_jsonb((job.data->>$2::text)::int + 1)),
           state = 'failed', completed_on = coalesce(job.completed_on, now()), deletion_seconds = 0,
           output = case before.state when 'failed' then job.output else $1::jsonb end
         from ${QUEUE_SCHEMA}.job as before
         where job.name = '${MAIL}' and before.name = '${MAIL}' and before.id = job.id
           and job.state in ('created', 'retry', 'active', 'failed')
         returning before.state
       )
       select count(*)::int as count from unsent where state <> 'failed'`,
      [JSON.stringify(fault), counter],
    );
    return (rows as { count: number }[])[0]?.count ?? 0;
  }

  /** Whether a server is connected, which sends emails. */
  async isServed(): Promise<boolean> {
    const { rows } = await this.#boss
      .getDb()
      .executeSql(
        "select from pg_stat_activity where datname = current_database() and application_name = $1",
        [SERVING],
      );
    return rows.length > 0;
  }

  /** Passes every email to `send`. */
  async work(send: Send<Job>): Promise<void> {
    this.#send = send;
    await this.#openLanes();
  }

  /** Takes no more emails in hand, until `resume`. */
  pause(): void {
    this.#isPaused = true;
    this.#closeLanes();
  }

  resume(): void {
    if (!this.#isPaused || this.#isStopping) return;
    this.#isPaused = false;
    // Only fails if the queue was stopped meanwhile.
    this.#openLanes().catch((error: unknown) => this.#log.debug({ err: error }, "mail queue: cannot resume"));
  }

  async #openLanes(): Promise<void> {
    const options = {
      includeMetadata: true as const,
      burstWhenBatchFull: true, // fetches the next batch at once, instead of waiting for a notification or the next poll
      perJobResults: true as const, // an email that fails does not fail the rest of its batch
      // A commit sends a notification, but a retry or an email that becomes due does not, so it is found by polling.
      notifyPollingIntervalSeconds: 2,
    };
    const ordinary = {
      localConcurrency: BATCHES_AT_ONCE,
      batchSize: MAILS_A_BATCH,
      minPriority: PRIORITY.ordinary,
    };
    const slow = { localConcurrency: SLOW_AT_ONCE, batchSize: 1, maxPriority: PRIORITY.slow };
    for (const lane of [ordinary, slow])
      await this.#boss.work<Job, unknown, typeof options>(MAIL, { ...options, ...lane }, (jobs) =>
        this.#deliver(jobs),
      );
  }

  #closeLanes(): void {
    this.#boss.offWork(MAIL, { wait: false }).catch((error: unknown) => {
      this.#log.debug({ err: error }, "mail queue: cannot pause");
    });
  }

  async #deliver(jobs: JobWithMetadata<Job>[]): Promise<JobResult[]> {
    const first = await Promise.all(
      jobs.map(async (job) => ({ job, verdict: await this.#send(queuedMail(job)) })),
    );
    // An answer may have come while the others of the batch were sent.
    const settled = await Promise.all(
      first.map(async ({ job, verdict }) => ({ job, verdict: await newest(verdict) })),
    );
    await this.#prepare(settled);
    return settled.map(({ job: { id }, verdict }) => {
      if (verdict.status === "done") return { id, status: "completed" };
      if (verdict.status === "later" && verdict.answer) this.#settleLater(id, verdict.answer);
      // "deadletter" fails an email without another attempt. There is no queue of dead letters: it stays where it is.
      return {
        id,
        status: verdict.status === "failed" ? "deadletter" : "failed",
        output: verdict.fault ?? undefined,
      };
    });
  }

  /**
   * Sets when and in which lane an email comes back, and keeps one that fails for good. pg-boss has this per queue only, so it is
   * written to the row before pg-boss fails the job, which takes it from there.
   */
  async #prepare(settled: readonly { job: JobWithMetadata<Job>; verdict: Verdict }[]): Promise<void> {
    const changes = settled.flatMap(({ job: { id, retryCount }, verdict }) => {
      if (verdict.status === "done") return [];
      const isFinal = verdict.status === "failed";
      const [seconds, lane] = isFinal ? [0, "ordinary" as const] : [verdict.seconds, verdict.lane];
      return [{ id, retry_count: retryCount, seconds, priority: PRIORITY[lane], is_final: isFinal }];
    });
    if (changes.length === 0) return;
    await this.#boss.getDb().executeSql(
      `update ${QUEUE_SCHEMA}.job set retry_delay = change.seconds, retry_backoff = false, retry_limit = ${NEVER},
         priority = change.priority, deletion_seconds = case when change.is_final then 0 else deletion_seconds end
       from json_to_recordset($1::json)
         as change (id uuid, retry_count int, seconds int, priority int, is_final boolean)
       where job.name = '${MAIL}' and job.id = change.id and job.state = 'active'
         and job.retry_count = change.retry_count`,
      [JSON.stringify(changes)],
    );
  }

  /** The answer to an email that has left its lane. If it never comes, the email comes back by itself. */
  #settleLater(id: string, answer: Promise<Verdict>): void {
    const settle = async () => {
      const verdict = await answer;
      if (verdict.status === "done") await this.#boss.complete(MAIL, id, null, { includeQueued: true });
      // A refusal is answered in the same way again, and at once.
      else
        await this.#boss.update(MAIL, undefined, {
          id,
          startAfter: verdict.status === "later" ? verdict.seconds : 0,
        });
    };
    const settling = settle().catch((error: unknown) => {
      this.#log.error({ err: error, mailId: id }, "mail queue: an email may be sent twice");
    });
    this.#answers.add(settling);
    void settling.finally(() => this.#answers.delete(settling));
  }

  /** Runs `task` once a day, on one replica. */
  async everyDay(task: () => Promise<void>): Promise<void> {
    await this.#boss.work(DAILY, task);
  }

  /** How many emails are in each state; those that were sent are counted for a day. */
  async counts(): Promise<Record<MailState, number>> {
    const { rows } = await this.#boss
      .getDb()
      .executeSql(
        `select state, count(*)::int as count from ${QUEUE_SCHEMA}.job where name = '${MAIL}' group by state`,
      );
    const counts = { waiting: 0, sending: 0, retrying: 0, failed: 0, done: 0 };
    for (const { state, count } of rows as { state: string; count: number }[]) {
      const name = stateOf(state);
      counts[name] += count;
    }
    return counts;
  }

  /** Reads the index of the emails that are not sent, however many were. */
  async unsent(em: EntityManager): Promise<readonly Unsent[]> {
    const found = await em.fork().execute<Unsent[]>(
      `select case
           when state = 'failed' then 'failed'
           when output ->> 'deferrals' > '0' or output ->> 'unsure' > '0' then 'deferred'
           else 'waiting'
         end as state,
         count(*)::int as count, extract(epoch from now() - min(created_on))::float8 as "oldestSeconds"
       from ${QUEUE_SCHEMA}.job
       where name = '${MAIL}' and state in ('created', 'retry', 'active', 'failed')
       group by 1`,
    );
    return NONE_UNSENT.map((none) => found.find(({ state }) => state === none.state) ?? none);
  }

  /** The emails that are in one of `states`, oldest first. */
  async *list(states: readonly MailState[]): AsyncGenerator<MailEntry<Job>> {
    let after: [Date | string, string] = ["-infinity", "00000000-0000-0000-0000-000000000000"];
    for (;;) {
      // pg-boss finds jobs by their data only, not by their state.
      const { rows } = await this.#boss.getDb().executeSql(
        `select id, data, state::text, created_on as "createdOn", start_after as "startAfter",
           started_on as "startedOn", retry_count as "retryCount", output
         from ${QUEUE_SCHEMA}.job
         where name = '${MAIL}' and state::text = any($1)
           and (date_trunc('milliseconds', created_on), id) > ($2::timestamptz, $3::uuid)
         order by date_trunc('milliseconds', created_on), id limit ${ENTRIES_A_PAGE}`,
        [states.map((state) => STATES[state]), ...after],
      );
      for (const row of rows as JobWithMetadata<Job>[]) yield entryOf(row);
      const last = (rows as JobWithMetadata<Job>[]).at(-1);
      if (!last || rows.length < ENTRIES_A_PAGE) return;
      after = [last.createdOn, last.id];
    }
  }

  /** @throws {Error} if there is no such email */
  async find(id: string): Promise<MailEntry<Job>> {
    const [job] = UUID.test(id) ? await this.#boss.findJobs<Job>(MAIL, { id }) : [];
    if (!job)
      throw new Error(
        `There is no email ${id}. Take an id from "mail list"; an email is forgotten a day after it was sent.`,
      );
    return entryOf(job);
  }

  /**
   * Sends an email that has failed again, as if it were new, or one that waits for its time at once.
   * @param id of one email; all that have failed without it
   * @returns how many
   * @throws {Error} if there is no such email, or nothing to try again
   */
  async retry(id?: string): Promise<number> {
    if (id !== undefined) await this.#findIn(id, ["failed", "retrying"], "tried again");
    // pg-boss's own retry keeps the time of the next attempt, the lane, and how often the email was put off.
    const { rows } = await this.#boss.getDb().executeSql(
      `update ${QUEUE_SCHEMA}.job set state = 'retry', completed_on = null, start_after = now(),
         priority = ${PRIORITY.ordinary}, deletion_seconds = ${MAIL_QUEUE.deleteAfterSeconds},
         output = output || '{"deferrals": 0, "unsure": 0}'
       where name = '${MAIL}' and (state = 'failed' or (state = 'retry' and $1::uuid is not null))
         and id = coalesce($1::uuid, id)
       returning id`,
      [id ?? null],
    );
    return rows.length;
  }

  /**
   * Deletes an email that was not sent.
   * @param id of one email; all that have failed without it
   * @returns how many
   * @throws {Error} if there is no such email, or a server has it in hand, or it was sent
   */
  async discard(id?: string): Promise<number> {
    if (id !== undefined) {
      const { id: found } = await this.#findIn(id, ["failed", "retrying", "waiting"], "discarded");
      await this.#boss.deleteJob(MAIL, found);
      return 1;
    }
    let count = 0;
    for await (const mail of this.list(["failed"])) {
      await this.#boss.deleteJob(MAIL, mail.id);
      count += 1;
    }
    return count;
  }

  async #findIn(id: string, states: readonly MailState[], what: string): Promise<MailEntry<Job>> {
    const mail = await this.find(id);
    if (!states.includes(mail.state))
      throw new Error(
        `The email ${id} is ${mail.state}. Only one that is ${states.join(" or ")} can be ${what}.`,
      );
    return mail;
  }

  /** Takes no more emails in hand. Those in hand go on. */
  takeNoMore(): void {
    this.#isStopping = true;
    this.#closeLanes();
  }

  /** Records what has become of the emails in hand, and closes the connections. */
  async stop(timeoutSeconds: number): Promise<void> {
    this.#isStopping = true;
    await Promise.allSettled(this.#answers);
    await this.#boss.stop({ graceful: true, timeout: timeoutSeconds * 1000 });
  }
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** pg-boss has a state "cancelled", too, which nobody uses here. */
const stateOf = (state: string): MailState =>
  (Object.keys(STATES) as MailState[]).find((name) => STATES[name] === state) ?? "done";

type EntryRow<Job> = Pick<
  JobWithMetadata<Job>,
  "id" | "data" | "state" | "createdOn" | "startAfter" | "startedOn" | "retryCount" | "output"
>;

function entryOf<Job extends object>(row: EntryRow<Job>): MailEntry<Job> {
  // pg-boss writes an output of its own after a lost heartbeat.
  const output = row.output as { message?: string; value?: { message?: string } } | null;
  return {
    id: row.id,
    state: stateOf(row.state),
    job: row.data,
    createdAt: row.createdOn,
    dueAt: row.startAfter,
    // The first attempt does not count as a retry.
    attempts: (row.startedOn as Date | null) === null ? 0 : row.retryCount + 1,
    reason: output?.message ?? output?.value?.message ?? null,
  };
}

/** The answer, if it is there already. */
function newest(verdict: Verdict): Verdict | Promise<Verdict> {
  if (verdict.status !== "later" || !verdict.answer) return verdict;
  return Promise.race([verdict.answer, Promise.resolve(verdict)]);
}

function queuedMail<Job extends object>({
  id,
  retryCount,
  data,
  priority,
  output,
}: JobWithMetadata<Job & { traceparent?: string }>): QueuedMail<Job> {
  const fault = output as Partial<Fault> | null;
  return {
    id,
    attempt: retryCount,
    job: data,
    trace: data.traceparent === undefined ? {} : { traceparent: data.traceparent },
    lane: priority < PRIORITY.ordinary ? "slow" : "ordinary",
    // pg-boss writes an output of its own after a lost heartbeat.
    fault: fault?.deferrals === undefined ? null : (fault as Fault),
  };
}

function activeBoss(connection: object): PgBoss {
  return new PgBoss({
    ...connection,
    application_name: SERVING,
    schema: QUEUE_SCHEMA,
    max: BATCHES_AT_ONCE + SLOW_AT_ONCE,
    useListenNotify: true,
    migrate: false,
    registerInstance: false,
    // Frequent, so that a killed worker's emails return to the queue within seconds.
    superviseIntervalSeconds: 5,
    monitorIntervalSeconds: 5,
  });
}

/** Does nothing in the background. For checking the tables, creating them, and enqueuing. */
function passiveBoss(connection: object, migrates: boolean): PgBoss {
  const boss = new PgBoss({
    ...connection,
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
