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

/** The place of an email in a list: when it was requested, in ISO 8601 with microseconds, and its id. */
export type MailPosition = readonly [createdAt: string, id: string];

export interface MailEntry<Job> {
  readonly id: string;
  readonly state: MailState;
  readonly job: Job;
  readonly createdAt: Date;
  /** When it is tried next, if it waits for that. */
  readonly dueAt: Date | null;
  /** How often a server has taken it in hand. */
  readonly attempts: number;
  /** Why the last attempt failed, or null. Contains nothing from the email, and no control characters. */
  readonly reason: string | null;
  readonly position: MailPosition;
}

/** pg-boss's names of the states. */
const STATES = {
  waiting: "created",
  sending: "active",
  retrying: "retry",
  failed: "failed",
  done: "completed",
} as const satisfies Record<MailState, string>;
const CAN_BE_RETRIED: readonly MailState[] = ["failed", "retrying"];
/** Not what a server has in hand, and not what was sent. */
const CAN_BE_DISCARDED: readonly MailState[] = ["failed", "retrying", "waiting"];
/** Of a reason. Ours are shorter; that of a fault in the server itself may be of any length. */
const REASON_MAX_LENGTH = 300;
/** Lists the emails of each state in their order (`page`). */
const LIST_INDEX = "account_server_mail_list";

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
      await createListIndex(boss);
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
  async counts(em: EntityManager): Promise<Record<MailState, number>> {
    const rows = await execute<{ state: string; count: number }>(
      em,
      `select state, count(*)::int as count from ${QUEUE_SCHEMA}.job where name = '${MAIL}' group by state`,
    );
    const counts = { waiting: 0, sending: 0, retrying: 0, failed: 0, done: 0 };
    for (const { state, count } of rows) counts[stateOf(state)] += count;
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

  /**
   * Emails that are in one of `states`, oldest first. Costs the same however many there are and however far down the list it begins.
   * @param first at most this many
   * @param after where the page before has ended
   */
  async page(
    em: EntityManager,
    states: readonly MailState[],
    first: number,
    after?: MailPosition,
  ): Promise<MailEntry<Job>[]> {
    // A branch for each state, which PostgreSQL merges in the order of their index.
    const branches = states.map(
      (state) =>
        `(select * from ${QUEUE_SCHEMA}.job where name = '${MAIL}' and state = '${STATES[state]}'
            ${after ? "and (created_on, id) > ($2::timestamptz, $3::uuid)" : ""}
          order by created_on, id limit $1)`,
    );
    const rows = await execute<EntryRow<Job>>(
      em,
      `select ${ENTRY_COLUMNS} from (${branches.join(" union all ")}) as job order by created_on, id limit $1`,
      [first, ...(after ?? [])],
    );
    return rows.map(entryOf);
  }

  /** @param ids which are UUIDs */
  async find(em: EntityManager, ids: readonly string[]): Promise<MailEntry<Job>[]> {
    const rows = await execute<EntryRow<Job>>(
      em,
      `select ${ENTRY_COLUMNS} from ${QUEUE_SCHEMA}.job where name = '${MAIL}' and id = any($1::uuid[])`,
      [ids],
    );
    return rows.map(entryOf);
  }

  /**
   * Sends emails again, as if they were new, once the transaction of `em` commits: those of `ids` that have failed, or that wait for
   * their time.
   */
  async retry(em: EntityManager, ids: readonly string[]): Promise<MailEntry<Job>[]> {
    // pg-boss's own retry keeps the time of the next attempt, the lane, and how often the email was put off.
    const rows = await execute<EntryRow<Job>>(
      em,
      `update ${QUEUE_SCHEMA}.job set state = 'retry', completed_on = null, start_after = now(),
         priority = ${PRIORITY.ordinary}, deletion_seconds = ${MAIL_QUEUE.deleteAfterSeconds},
         output = output || '{"deferrals": 0, "unsure": 0}'
       where name = '${MAIL}' and id = any($1::uuid[]) and state in (${namesOf(CAN_BE_RETRIED)})
       returning ${ENTRY_COLUMNS}`,
      [ids],
    );
    return rows.map(entryOf);
  }

  /**
   * Deletes emails that were not sent and that no server has in hand: those of `ids`.
   * @returns them as they were
   */
  async discard(em: EntityManager, ids: readonly string[]): Promise<MailEntry<Job>[]> {
    const rows = await execute<EntryRow<Job>>(
      em,
      `delete from ${QUEUE_SCHEMA}.job
       where name = '${MAIL}' and id = any($1::uuid[]) and state in (${namesOf(CAN_BE_DISCARDED)})
       returning ${ENTRY_COLUMNS}`,
      [ids],
    );
    return rows.map(entryOf);
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

/** With the parameters apart from the statement, in the transaction of `em` if it has one. */
async function execute<Row>(em: EntityManager, sql: string, parameters: unknown[] = []): Promise<Row[]> {
  const { rows } = await fromKysely(em.getKysely()).executeSql(sql, parameters);
  return rows as Row[];
}

/** pg-boss's own indexes do not have the order of the list. While it is built, which takes a million emails some seconds, nobody enqueues. */
async function createListIndex(boss: PgBoss): Promise<void> {
  // Looks first, because "if not exists" waits for all who write, and keeps others waiting meanwhile.
  await boss.getDb().executeSql(
    `do $$ begin
       if to_regclass('${QUEUE_SCHEMA}.${LIST_INDEX}') is null then
         create index if not exists ${LIST_INDEX} on ${QUEUE_SCHEMA}.job_common (state, created_on, id) where name = '${MAIL}';
       end if;
     end $$`,
  );
}

/** pg-boss has a state "cancelled", too, which nobody uses here. */
const stateOf = (state: string): MailState =>
  (Object.keys(STATES) as MailState[]).find((name) => STATES[name] === state) ?? "done";

const namesOf = (states: readonly MailState[]) => states.map((state) => `'${STATES[state]}'`).join(", ");

interface EntryRow<Job> {
  readonly id: string;
  readonly data: Job;
  readonly state: string;
  readonly createdOn: string;
  readonly startAfter: string;
  readonly attempts: number;
  readonly reason: string | null;
}

const inIso = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
// The first attempt does not count as a retry. pg-boss writes an output of its own after a lost heartbeat.
const ENTRY_COLUMNS = `id, data, state::text, ${inIso("created_on")} as "createdOn", ${inIso("start_after")} as "startAfter",
  case when started_on is null then 0 else retry_count + 1 end as attempts,
  coalesce(output->>'message', output->'value'->>'message') as reason`;

function entryOf<Job extends object>(row: EntryRow<Job>): MailEntry<Job> {
  const { id, data: job, createdOn, startAfter, attempts, reason } = row;
  const state = stateOf(row.state);
  return {
    id,
    state,
    job,
    createdAt: new Date(createdOn),
    dueAt: state === "waiting" || state === "retrying" ? new Date(startAfter) : null,
    attempts,
    reason: reason?.replace(/\p{Cc}+/gu, " ").slice(0, REASON_MAX_LENGTH) ?? null,
    position: [createdOn, id],
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
