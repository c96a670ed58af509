// The composition root: builds every part, once, and starts and stops them in order.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import type { FastifyInstance } from "fastify";

import { Hashing } from "../accounts/hashing/hashing.ts";
import { measureWorkFactor, workFactorAdvice } from "../accounts/hashing/work-factor.ts";
import { mailComposer } from "../accounts/mails/compose.ts";
import type { MailJob } from "../accounts/mails/mail-job.ts";
import { RATE_LIMITS } from "../accounts/rules/rate-limits.ts";
import { putIntoEnvironment, type Config } from "../config/config.ts";
import { connectionCounter, watchUse } from "../database/connections.ts";
import { DatabaseClock } from "../database/clock.ts";
import { connectionTo } from "../database/driver.ts";
import { DatabaseHealth } from "../database/health.ts";
import { openPooledDatabase } from "../database/migrator.ts";
import { connectOrm, type Orm } from "../database/orm.ts";
import { ReadReplicas } from "../database/read-replicas.ts";
import { lockDataDir, readOrCreateSecret } from "../embedded-postgres/data-dir.ts";
import { startApollo } from "../graphql/apollo.ts";
import { createContext } from "../graphql/context.ts";
import { internalErrors } from "../graphql/format-error.ts";
import { Refusals } from "../graphql/refusals.ts";
import { createHttpServer } from "../http/server.ts";
import { stopAccepting } from "../http/stop-accepting.ts";
import { createLogger, type Logger } from "../log.ts";
import { MailboxFolder } from "../mail/mailbox-folder.ts";
import { MailQueue } from "../mail/queue.ts";
import { mailboxTransport, smtpTransport } from "../mail/transport.ts";
import { MailWorker } from "../mail/worker.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { listenError, serverUrl } from "../network.ts";
import { composeAccounts, createTokens } from "./compose-accounts.ts";
import { composeApplications } from "./compose-applications.ts";
import { openBreachedPasswords } from "./open-breached-passwords.ts";
import { openTrustedDocuments } from "./open-trusted-documents.ts";
import { openMailTemplates } from "./mail-templates.ts";
import { openDatabase } from "./open-database.ts";
import { withTimeLimit } from "./time-limit.ts";

// Enough for what is in flight, and together less than the 10 seconds of the whole stop, even if the database does not respond.
const START_FINISHES_WITHIN_MS = 5_000;
const REQUESTS_FINISH_WITHIN_MS = 3_000;
/** From the begin of the stop, beside the requests: an email that is cut off after the SMTP server has it is sent twice. */
const MAILS_FINISH_WITHIN_MS = 5_500;
const QUEUE_CLOSES_WITHIN_MS = 1_500;
const DATABASE_CLOSES_WITHIN_MS = 750;
const REPLICAS_CLOSE_WITHIN_MS = 250;
const TRACES_LEAVE_WITHIN_MS = 500;

export interface AppOverrides {
  /** The clock of everything that expires, in place of the database's. */
  readonly now?: () => Date;
  /** Shared by several servers of one process, and stopped by their owner. */
  readonly hashing?: Hashing;
  /** Called when a part that the server needs has ended by itself. */
  readonly onFatal?: (message: string) => void;
}

/** The server of a configuration: `start`, then `stop`. */
export class App {
  readonly #config: Config;
  readonly #now: (() => Date) | undefined;
  readonly #sharedHashing: Hashing | undefined;
  readonly #onFatal: (message: string) => void;
  /** What has been opened, and is closed in reverse order. */
  readonly #opened = new AsyncDisposableStack();
  /** The parts that stand in for real ones, for people to read. */
  readonly standIns: string[] = [];
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #url = "";
  #metricsUrl = "";
  #stopMails: () => Promise<void> = () => Promise.resolve();

  constructor(config: Config, overrides: AppOverrides = {}) {
    this.#config = config;
    this.#now = overrides.now;
    this.#sharedHashing = overrides.hashing;
    this.#onFatal = overrides.onFatal ?? (() => undefined);
  }

  /** Where the server listens, such as http://127.0.0.1:4000; known once it has started. */
  get url(): string {
    return this.#url;
  }

  /** Where the metrics are, such as http://127.0.0.1:9464/metrics, if they are served. */
  get metricsUrl(): string {
    return this.#metricsUrl;
  }

  /** Resolves when the server is ready. After a failure, nothing is left open. */
  start(): Promise<void> {
    this.#starting ??= this.#start().catch(async (error: unknown) => {
      await this.#opened.disposeAsync();
      throw error;
    });
    return this.#starting;
  }

  /** Takes requests for `drainSeconds` more, finishes what is in flight and closes every part. Every call returns the same promise. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #start(): Promise<void> {
    const config = this.#config;
    const log = await createLogger(config.logLevel, config.isProduction);
    if (config.rateLimits === null)
      log.warn("RATE_LIMITS=off: passwords can be guessed and emails requested without limit.");
    if (config.tracing !== null) await this.#startTracing(config.tracing, log);
    const metrics = await this.#openMetrics();
    await this.#lockDataDir();
    const hashing = this.#sharedHashing ?? this.#startHashing(log);
    const breached = await openBreachedPasswords(config, log, this.#opened);
    const { orm, patientOrm, directUrl } = await this.#openDatabase(log);
    const em = orm.em;
    const health = new DatabaseHealth(orm, log, metrics?.database);
    this.#opened.defer(() => health.stop());
    const isOutage = (error: unknown) => health.isOutage(error);
    const replicas = await this.#openReplicas(orm, log, metrics);
    const now = this.#now ?? (await this.#startClock(orm));

    const queue = new MailQueue<MailJob>({ connection: connectionTo(directUrl, "queue"), log, isOutage });
    const { renderer } = openMailTemplates(config);
    const secret = config.jwtSecret ?? this.#keptSecret();
    const tokens = createTokens(config, secret, now);
    const accounts = composeAccounts(config, {
      em,
      patientEm: patientOrm.em,
      readAnywhere: (work) => replicas.read(work),
      isOutage,
      hashing,
      breached,
      log,
      queue,
      renderer,
      secret,
      tokens,
      now,
      opened: this.#opened,
      observers: metrics,
    });
    const { hideAccountExistence } = config;
    const applications = composeApplications(config, () => this.#url);
    const compose = mailComposer({ em, tokens, applications, now, hideAccountExistence });
    const mailbox = new MailboxFolder(join(config.dataDir, "mailbox"));
    const transport = config.smtp
      ? smtpTransport(config.smtp, config.senderAddress)
      : mailboxTransport(mailbox, config.senderAddress);
    this.#opened.defer(() => transport.close());
    const worker = new MailWorker<MailJob>({ compose, renderer, transport, log, observer: metrics?.mails });
    const stopMails = memoized(() => {
      queue.takeNoMore();
      return worker.finish(MAILS_FINISH_WITHIN_MS);
    });
    this.#stopMails = stopMails;
    this.#opened.defer(async () => {
      await stopMails();
      await withTimeLimit(QUEUE_CLOSES_WITHIN_MS, queue.stop(1));
    });
    await queue.start();

    const internalError = internalErrors(log, metrics?.operations);
    const { isProduction, hasIntrospection } = config;
    const observer = metrics?.operations;
    const refusals = new Refusals(log, observer);
    this.#opened.defer(() => refusals.stop());
    const trustedDocuments = await openTrustedDocuments(config);
    const apollo = await startApollo(accounts, {
      hasIntrospection,
      trustedDocuments,
      log,
      internalError,
      refusals,
      observer,
    });
    this.#opened.defer(() => apollo.stop());
    const http = await createHttpServer({
      apollo,
      createContext: (request) => createContext(request, accounts),
      log,
      internalError,
      trustedDocuments,
      refused: (code) => refusals.document(code),
      isTraced: config.tracing !== null,
      isProduction,
      host: config.host,
      corsOrigins: config.corsOrigins,
      corsHeaders: config.corsHeaders,
      trustedProxies: config.trustedProxies,
      isStopping: () => this.#stopping !== undefined,
      isReady: async () => !this.#stopping && (await health.isReady()),
      hasGraphiQL: !config.isProduction && trustedDocuments === null,
      webClient: config.hasWebClient
        ? { appName: config.appName, passwordMinLength: config.passwordMinLength }
        : null,
      mailbox: config.smtp ? null : mailbox,
    });
    // Takes seconds for millions of users; refused logins wait for it.
    accounts.learnPasswordWorks().catch((error: unknown) => {
      if (this.#stopping) return;
      log.error({ err: error }, "refused logins may take another time for imported accounts than for others");
    });
    await watchUse(orm, log, metrics?.database);
    if (metrics) {
      const connections = {
        requests: await connectionCounter(orm),
        patient: await connectionCounter(patientOrm),
        replicas: await replicas.connectionCounter(),
      };
      metrics.watch({ connections, unsent: () => queue.unsent(em) });
      await this.#serveMetrics(metrics, log);
    }
    await this.#listen(http);

    // Last, so that a start that fails has sent nothing.
    await worker.start(queue);
    await queue.everyDay(async () => {
      const { removed, ranLastAt, now } = await accounts.cleanUp();
      if (removed) log.info({ removed }, "removed expired rows");
      else
        log.error(
          { ranLastAt, now },
          "removed no expired rows, because the database's clock may be wrong: if it is right, run `npm run account -- clean-up`",
        );
    });
    if (config.isProduction) log.info({ url: this.#url }, "ready");
    if (!this.#sharedHashing) void this.#tellWorkFactor(hashing, log);
  }

  /** In the background: nothing waits for it. */
  async #tellWorkFactor(hashing: Hashing, log: Logger): Promise<void> {
    try {
      const milliseconds = await measureWorkFactor(hashing, this.#config.passwordHash);
      log.debug({ milliseconds: Math.round(milliseconds) }, "measured a password hash");
      const advice = workFactorAdvice(milliseconds, this.#config.passwordHash);
      if (advice !== undefined) log.warn(advice);
    } catch {
      // The server stops meanwhile, or hashing fails, which the next login tells.
    }
  }

  async #stop(): Promise<void> {
    if (this.#starting) await withTimeLimit(START_FINISHES_WITHIN_MS, this.#starting).catch(() => undefined);
    void this.#stopMails(); // beside the requests, which have a limit of their own
    if (this.#url !== "") await delay(this.#config.drainSeconds * 1000);
    await this.#opened.disposeAsync();
  }

  async #startTracing(variables: Readonly<Record<string, string>>, log: Logger): Promise<void> {
    putIntoEnvironment(variables);
    const { startTracing } = await import("./start-tracing.ts"); // imported here, because few servers have it
    const stop = startTracing(log);
    this.#opened.defer(() => withTimeLimit(TRACES_LEAVE_WITHIN_MS, stop()));
  }

  /** Null if nobody reads them. */
  async #openMetrics(): Promise<Metrics | null> {
    if (this.#config.metricsPort === null) return null;
    const { Metrics } = await import("../metrics/metrics.ts"); // imported here, because only some servers have it
    return new Metrics({ limits: Object.keys(RATE_LIMITS), retries: ["deferred", "slow", "unsure"] });
  }

  /** One of several workers gives its metrics to the process that has started them all, which serves them as one. */
  async #serveMetrics(metrics: Metrics, log: Logger): Promise<void> {
    const { host, metricsPort, workers } = this.#config;
    if (workers > 1) {
      metrics.giveToPrimary();
      return;
    }
    const { serveMetrics } = await import("../metrics/metrics-server.ts");
    const server = await serveMetrics({ host, port: metricsPort ?? 0 }, () => metrics.read(), log);
    this.#opened.defer(() => server.close());
    this.#metricsUrl = server.url;
  }

  /** The data folder is not used if nothing needs a stand-in. */
  async #lockDataDir(): Promise<void> {
    const { databaseUrl, jwtSecret, smtp, dataDir } = this.#config;
    if (databaseUrl !== null && jwtSecret !== null && smtp !== null) return;
    const lock = await lockDataDir(dataDir);
    this.#opened.defer(() => lock.release());
  }

  #startHashing(log: Logger): Hashing {
    const hashing = new Hashing(this.#config.workers, log);
    hashing.start();
    this.#opened.defer(() => hashing.stop());
    return hashing;
  }

  /** With two sets of connections, for requests and for what may take longer. */
  async #openDatabase(log: Logger): Promise<{ orm: Orm; patientOrm: Orm; directUrl: string }> {
    const { databaseDirectUrl, migrateOnStart } = this.#config;
    const databaseUrl = this.#config.databaseUrl ?? (await this.#startEmbeddedPostgres());
    const directUrl = databaseDirectUrl ?? databaseUrl;
    const warn = (message: string) => log.warn(message);
    const closedInTime = (orm: Orm) => {
      this.#opened.defer(() => withTimeLimit(DATABASE_CLOSES_WITHIN_MS, orm.close()));
      return orm;
    };
    const patientOrm = closedInTime(await openDatabase(directUrl, migrateOnStart, warn));
    const orm = closedInTime(
      databaseDirectUrl === null
        ? await connectOrm(databaseUrl, "requests")
        : await openPooledDatabase(databaseUrl, patientOrm, warn),
    );
    return { orm, patientOrm, directUrl };
  }

  async #openReplicas(orm: Orm, log: Logger, metrics: Metrics | null): Promise<ReadReplicas> {
    const replicas = await ReadReplicas.open(this.#config.databaseReplicaUrls, orm, log, metrics?.database);
    this.#opened.defer(() => withTimeLimit(REPLICAS_CLOSE_WITHIN_MS, replicas.close()));
    return replicas;
  }

  async #startClock(orm: Orm): Promise<() => Date> {
    const clock = await DatabaseClock.start(orm);
    this.#opened.defer(() => clock.stop());
    return clock.now;
  }

  async #startEmbeddedPostgres(): Promise<string> {
    // Imported here, because production does not use it.
    const { startEmbeddedPostgres } = await import("../embedded-postgres/launcher.ts");
    const postgres = await startEmbeddedPostgres({
      dataDir: this.#config.dataDir,
      onUnexpectedExit: this.#onFatal,
    });
    this.#opened.defer(() => postgres.stop());
    this.standIns.push(`PostgreSQL  embedded, data in ${postgres.dataLocation}`);
    return postgres.databaseUrl;
  }

  #keptSecret(): string {
    const path = join(this.#config.dataDir, "jwt-secret");
    this.standIns.push(`JWT_SECRET  made once and kept in ${path}`);
    return readOrCreateSecret(path);
  }

  async #listen(http: FastifyInstance): Promise<void> {
    const { host, port, drainSeconds } = this.#config;
    this.#opened.defer(async () => {
      if (drainSeconds > 0) await stopAccepting(http.server);
      const cutOff = setTimeout(() => http.server.closeAllConnections(), REQUESTS_FINISH_WITHIN_MS);
      await http.close();
      clearTimeout(cutOff);
    });
    try {
      await http.listen({ host, port });
    } catch (error) {
      throw listenError(error as NodeJS.ErrnoException, host, port, "PORT");
    }
    const address = http.server.address();
    this.#url = serverUrl(host, typeof address === "object" && address ? address.port : port);
  }
}

/** Does `work` once; every call returns the same promise. */
function memoized(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}
