// The composition root: builds every part, once, and starts and stops them in order.
import { join } from "node:path";

import { ApolloServer } from "@apollo/server";
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from "@apollo/server/plugin/disabled";
import type { FastifyInstance } from "fastify";

import { AccountMails, type AccountMail } from "../accounts/mails/account-mails.ts";
import type { Accounts } from "../accounts/accounts.ts";
import { startHashing } from "../accounts/hashing/hashing.ts";
import { Links } from "../accounts/mails/links.ts";
import { composeAccounts } from "./compose-accounts.ts";
import type { Config } from "../config/config.ts";
import { lockDataDir, readOrCreateSecret } from "../embedded-postgres/data-dir.ts";
import { databaseCheck } from "../database/health.ts";
import { openDatabase } from "../database/migrator.ts";
import type { Orm } from "../database/orm.ts";
import { createContext, type RequestContext } from "../graphql/context.ts";
import { errorFormatter } from "../graphql/format-error.ts";
import { MAX_TOKENS, operationLimits } from "../graphql/operation-limits.ts";
import { createSchema } from "../graphql/schema.ts";
import { createHttpServer } from "../http/server.ts";
import { createLogger, type Logger } from "../log.ts";
import { MailboxFolder } from "../mail/mailbox-folder.ts";
import { MailQueue } from "../mail/queue.ts";
import { mailboxTransport, smtpTransport } from "../mail/transport.ts";
import { mailWorker } from "../mail/worker.ts";
import { withTimeLimit } from "./time-limit.ts";

// Enough for whatever is in flight, and together less than the 10 seconds of the whole stop, also while the database
// does not answer.
const START_FINISHES_WITHIN_MS = 5_000;
const REQUESTS_FINISH_WITHIN_MS = 3_000;
const MAILS_FINISH_WITHIN_SECONDS = 3;
const QUEUE_CLOSES_WITHIN_MS = 4_000;
const DATABASE_CLOSES_WITHIN_MS = 1_000;

export interface AppOverrides {
  /** The clock of everything that expires. */
  readonly now?: () => Date;
  /** Called when a part that the server cannot do without has ended by itself. */
  readonly onFatal?: (message: string) => void;
}

/** The server of this configuration, not yet started. */
export function createApp(config: Config, overrides: AppOverrides = {}): App {
  return new App(config, overrides);
}

/** The server as a whole: `start`, then `stop`. */
export class App {
  readonly #config: Config;
  readonly #now: () => Date;
  readonly #onFatal: (message: string) => void;
  /** What has been opened, closed in the opposite order. */
  readonly #opened = new AsyncDisposableStack();
  /** Which parts stand in for real ones, for people to read. */
  readonly standIns: string[] = [];
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #url = "";

  constructor(config: Config, { now = () => new Date(), onFatal = () => undefined }: AppOverrides) {
    this.#config = config;
    this.#now = now;
    this.#onFatal = onFatal;
  }

  /** Where the server listens, such as http://127.0.0.1:4000; known once started. */
  get url(): string {
    return this.#url;
  }

  /** Resolves when the server is ready; after a failure nothing is left open. */
  start(): Promise<void> {
    this.#starting ??= this.#start().catch(async (error: unknown) => {
      await this.#opened.disposeAsync();
      throw error;
    });
    return this.#starting;
  }

  /** Finishes what is in flight and closes every part; the same promise at each call. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #start(): Promise<void> {
    const config = this.#config;
    const log = await createLogger(config.logLevel, config.isProduction);
    await this.#lockDataDir();
    startHashing(this.#config.workers);
    const { orm, databaseUrl } = await this.#openDatabase();
    const em = orm.em;

    const mailQueue = new MailQueue<AccountMail>({ databaseUrl, log });
    const { accounts, tokens, renderer } = composeAccounts(config, {
      em,
      mailQueue,
      secret: config.jwtSecret ?? this.#keptSecret(),
      now: this.#now,
    });
    const links = new Links(() => ({
      confirmation: config.confirmationUri ?? `${this.#url}/#/finalize`,
      reset: config.resetUri ?? `${this.#url}/#/reset`,
      emailChange: config.emailChangeUri ?? `${this.#url}/#/change-email`,
    }));
    const mails = new AccountMails({
      em,
      tokens,
      links,
      appName: config.appName,
      hideAccountExistence: config.hideAccountExistence,
    });
    const mailbox = new MailboxFolder(join(config.dataDir, "mailbox"));
    const transport = config.smtp
      ? smtpTransport(config.smtp, config.sender)
      : mailboxTransport(mailbox, config.sender);
    this.#opened.defer(() => transport.close());

    this.#opened.defer(() =>
      withTimeLimit(QUEUE_CLOSES_WITHIN_MS, mailQueue.stop(MAILS_FINISH_WITHIN_SECONDS)),
    );
    await mailQueue.start();

    const apollo = await this.#openApollo(accounts, log);
    const databaseAnswers = databaseCheck(orm);
    const http = await createHttpServer({
      apollo,
      createContext: (request) => createContext(request, accounts),
      log,
      isProduction: config.isProduction,
      host: config.host,
      corsOrigins: config.corsOrigins,
      trustedProxies: config.trustedProxies,
      isReady: async () => !this.#stopping && (await databaseAnswers()),
      hasGraphiQL: !config.isProduction,
      webClient: config.hasWebClient
        ? { appName: config.appName, passwordMinLength: config.passwordMinLength }
        : null,
      mailbox: config.smtp ? null : mailbox,
    });
    await this.#listen(http);

    // Last, so that a failed start has sent nothing.
    await mailQueue.work(mailWorker({ compose: (job) => mails.compose(job), renderer, transport, log }));
    await mailQueue.everyDay(async () => {
      log.info({ removed: await accounts.cleanUp() }, "removed what has had its time");
    });
    if (config.isProduction) log.info({ url: this.#url }, "ready");
  }

  async #stop(): Promise<void> {
    if (this.#starting) await withTimeLimit(START_FINISHES_WITHIN_MS, this.#starting).catch(() => undefined);
    await this.#opened.disposeAsync();
  }

  /** Nothing of the data folder is used where every stand-in is replaced. */
  async #lockDataDir(): Promise<void> {
    const { databaseUrl, jwtSecret, smtp, dataDir } = this.#config;
    if (databaseUrl !== null && jwtSecret !== null && smtp !== null) return;
    const lock = await lockDataDir(dataDir);
    this.#opened.defer(() => lock.release());
  }

  async #openDatabase(): Promise<{ orm: Orm; databaseUrl: string }> {
    const databaseUrl = this.#config.databaseUrl ?? (await this.#startEmbeddedPostgres());
    const orm = await openDatabase(databaseUrl, this.#config.migrateOnStart);
    this.#opened.defer(() => withTimeLimit(DATABASE_CLOSES_WITHIN_MS, orm.close()));
    return { orm, databaseUrl };
  }

  async #startEmbeddedPostgres(): Promise<string> {
    // Loaded here, because production has no use for it.
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

  async #openApollo(accounts: Accounts, log: Logger): Promise<ApolloServer<RequestContext>> {
    const apollo = new ApolloServer<RequestContext>({
      schema: await createSchema(accounts),
      introspection: !this.#config.isProduction,
      hideSchemaDetailsFromClientErrors: this.#config.isProduction,
      parseOptions: { maxLexicalTokens: MAX_TOKENS },
      validationRules: [operationLimits],
      formatError: errorFormatter(log),
      includeStacktraceInErrorResponses: false,
      persistedQueries: false,
      // There is nothing to forge: the refresh token's cookie counts only with a header that makes browsers ask first
      // (http/refresh-cookie.ts), GET runs queries alone, POST takes only JSON (which makes browsers ask, too), and urql
      // sends queries by GET as Apollo's check would refuse them.
      csrfPrevention: false,
      stopOnTerminationSignals: false,
      // Nothing here may be cached (http/server.ts says so), and Apollo would look for hints at every field.
      plugins: [ApolloServerPluginLandingPageDisabled(), ApolloServerPluginCacheControlDisabled()],
      logger: log,
    });
    await apollo.start();
    this.#opened.defer(() => apollo.stop());
    return apollo;
  }

  async #listen(http: FastifyInstance): Promise<void> {
    const { host, port } = this.#config;
    this.#opened.defer(async () => {
      const cutOff = setTimeout(() => http.server.closeAllConnections(), REQUESTS_FINISH_WITHIN_MS);
      await http.close();
      clearTimeout(cutOff);
    });
    try {
      await http.listen({ host, port });
    } catch (error) {
      throw listenError(error as NodeJS.ErrnoException, host, port);
    }
    const address = http.server.address();
    this.#url = serverUrl(host, typeof address === "object" && address ? address.port : port);
  }
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === "EADDRINUSE") {
    return new Error(
      `Port ${port} on ${host} is in use by another program: stop that one, or give this one another PORT.`,
    );
  }
  return new Error(`The server cannot listen on ${host}:${port}: ${error.message}.`);
}

/** The address that a browser on this machine can open. */
function serverUrl(host: string, port: number): string {
  const name = host === "0.0.0.0" || host === "::" ? "localhost" : host.includes(":") ? `[${host}]` : host;
  return `http://${name}:${port}`;
}
