// Every metric of the server, under the name by which Prometheus knows it (docs/operations.md lists them). The only file that imports
// prom-client. Rooms tell what happens by an observer, an interface of their own that app/ fills with the parts of this class.
import { setTimeout as delay } from "node:timers/promises";

import { AggregatorRegistry, collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

import { packageVersion } from "../version.ts";

/** The queue is asked no more often, however often metrics are read. */
const UNSENT_ASKED_EVERY_MS = 10_000;
/** Metrics are read during an outage, too; then those of the queue are missing. */
const UNSENT_AWAITED_MS = 2_000;
/** For timers that show how late the event loop is; a finer one would wake an idle server more often. */
const LAG_RESOLUTION_MS = 20;

const OPERATION_SECONDS = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const HASHING_SECONDS = [0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const DATABASE_SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 4, 10];

interface Unsent {
  readonly state: string;
  readonly count: number;
  readonly oldestSeconds: number;
}

/** What is asked when metrics are read. */
export interface MetricSources {
  /** By the name of a set of connections: how many are in use and idle, and how many requests wait for one. */
  readonly connections: Readonly<Record<string, () => { used: number; idle: number; waiting: number }>>;
  /** The emails that are not sent. */
  readonly unsent: () => Promise<readonly Unsent[]>;
}

export class Metrics {
  readonly #registry = new Registry();
  #sources: MetricSources = { connections: {}, unsent: () => Promise.resolve([]) };
  #unsent: Promise<readonly Unsent[]> = Promise.resolve([]);
  #unsentAskedAt = -Infinity;
  #reading: Promise<string> | undefined;

  readonly #operations = this.#histogram(
    "operation_duration_seconds",
    "Root fields of GraphQL operations, by the code of their outcome: OK, or that of the error.",
    OPERATION_SECONDS,
    ["operation", "code"],
  );
  readonly #refusedDocuments = this.#counter(
    "documents_refused_total",
    "GraphQL documents that were refused before any field of them ran.",
    ["code"],
  );
  readonly #unexpectedErrors = this.#counter(
    "unexpected_errors_total",
    "Faults of the server: INTERNAL_SERVER_ERROR, each with a line in the log.",
  );
  readonly #hashingWaiting = this.#gauge("hashing_waiting", "Passwords that wait to be hashed.");
  readonly #hashingWait = this.#histogram(
    "hashing_wait_seconds",
    "How long passwords waited to be hashed.",
    HASHING_SECONDS,
  );
  readonly #hashingWork = this.#histogram(
    "hashing_work_seconds",
    "How long hashing a password took.",
    HASHING_SECONDS,
  );
  readonly #hashingRefusals = this.#counter(
    "hashing_refusals_total",
    "Passwords that were not hashed, because too many waited: SERVER_BUSY.",
  );
  readonly #databaseUse = this.#histogram(
    "database_use_seconds",
    "How long a connection was in use: for a statement or for a transaction.",
    DATABASE_SECONDS,
  );
  readonly #databaseOutage = this.#gauge("database_outage", "1 while the database cannot serve.", {
    aggregator: "max",
  });
  readonly #databaseOutages = this.#counter(
    "database_outages_total",
    "How often the database began not to serve.",
  );
  readonly #longReads = this.#counter(
    "database_long_reads_total",
    "Long reads, by who answered: a read replica or the primary.",
    ["by"],
  );
  readonly #replicasAway = this.#gauge(
    "database_replicas_away",
    "Read replicas that are not asked now, because the primary has to answer in their place.",
    { aggregator: "max" },
  );
  readonly #mailsSent = this.#counter("mails_sent_total", "Emails that the SMTP server has taken.", ["mail"]);
  readonly #mailsRetried = this.#counter(
    "mails_retried_total",
    "Attempts after which an email comes back by itself, by why it was not sent.",
    ["kind"],
  );
  readonly #mailsFailed = this.#counter(
    "mails_failed_total",
    "Emails that were given up, and wait for an operator.",
  );
  readonly #smtpOutage = this.#gauge("smtp_outage", "1 while the SMTP server takes no emails at all.", {
    aggregator: "max",
  });
  readonly #limitsMet = this.#counter(
    "limits_met_total",
    "What was refused because it was tried too often.",
    ["limit"],
  );

  /** @param names the labels that exist from the beginning: a rise from nothing would not be seen */
  constructor(names: { readonly limits: readonly string[]; readonly retries: readonly string[] }) {
    for (const limit of names.limits) this.#limitsMet.inc({ limit }, 0);
    for (const by of ["replica", "primary"]) this.#longReads.inc({ by }, 0);
    for (const kind of names.retries) this.#mailsRetried.inc({ kind }, 0);
    this.#gauge("build_info", "The versions that run: 1.", {
      labelNames: ["version", "node_version"],
      aggregator: "first",
    }).set({ version: packageVersion(), node_version: process.versions.node }, 1);
    this.#gauge("database_connections", "Connections to the database.", {
      labelNames: ["pool", "state"],
      collect: (gauge) => {
        for (const [pool, count] of Object.entries(this.#sources.connections)) {
          const { used, idle } = count();
          gauge.set({ pool, state: "used" }, used);
          gauge.set({ pool, state: "idle" }, idle);
        }
      },
    });
    this.#gauge("database_waiting", "Requests that wait for a connection to the database.", {
      labelNames: ["pool"],
      collect: (gauge) => {
        for (const [pool, count] of Object.entries(this.#sources.connections))
          gauge.set({ pool }, count().waiting);
      },
    });
    this.#unsentGauge("mails_unsent", "Emails in the queue of all servers.", ({ count }) => count);
    this.#unsentGauge(
      "mails_oldest_unsent_seconds",
      "The age of the oldest email in the queue of all servers.",
      ({ oldestSeconds }) => oldestSeconds,
    );
    collectDefaultMetrics({
      register: this.#registry,
      eventLoopMonitoringPrecision: LAG_RESOLUTION_MS,
      gcDurationBuckets: [0.001, 0.01, 0.1, 1],
    });
  }

  /** For graphql/. */
  readonly operations = {
    field: (operation: string) => {
      this.#operations.zero({ operation, code: "OK" });
      return (code: string, seconds: number) => this.#operations.observe({ operation, code }, seconds);
    },
    refused: (code: string) => this.#refusedDocuments.inc({ code }),
    unexpected: () => this.#unexpectedErrors.inc(),
  };

  /** For accounts/hashing/. */
  readonly hashing = {
    waiting: (count: number) => this.#hashingWaiting.set(count),
    hashed: (waitedSeconds: number, workedSeconds: number) => {
      this.#hashingWait.observe(waitedSeconds);
      this.#hashingWork.observe(workedSeconds);
    },
    refused: () => this.#hashingRefusals.inc(),
  };

  /** For accounts/limits/. */
  readonly limits = {
    met: (limit: string) => this.#limitsMet.inc({ limit }),
  };

  /** For database/. */
  readonly database = {
    used: (seconds: number) => this.#databaseUse.observe(seconds),
    outage: (isOut: boolean) => {
      this.#databaseOutage.set(isOut ? 1 : 0);
      if (isOut) this.#databaseOutages.inc();
    },
    longRead: (by: string) => this.#longReads.inc({ by }),
    replicaOutage: (isOut: boolean) => this.#replicasAway.inc(isOut ? 1 : -1),
  };

  /** For mail/. */
  readonly mails = {
    sent: (mail: string) => this.#mailsSent.inc({ mail }),
    retried: (kind: string) => this.#mailsRetried.inc({ kind }),
    failed: () => this.#mailsFailed.inc(),
    outage: (isOut: boolean) => this.#smtpOutage.set(isOut ? 1 : 0),
  };

  /** Begins to ask these when metrics are read. */
  watch(sources: MetricSources): void {
    this.#sources = sources;
  }

  /** In Prometheus' text format. Who reads at the same time gets the same answer. */
  read(): Promise<string> {
    this.#reading ??= this.#registry.metrics().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** Gives the metrics to the primary process of WORKERS when it asks. */
  giveToPrimary(): void {
    new AggregatorRegistry(); // listens for the question
    AggregatorRegistry.setRegistries(this.#registry);
  }

  #unsentGauge(name: string, help: string, valueOf: (unsent: Unsent) => number): void {
    this.#gauge(name, help, {
      labelNames: ["state"],
      aggregator: "max", // the queue is one
      collect: async (gauge) => {
        const unsent = await this.#askUnsent();
        gauge.reset(); // no answer is no value
        for (const one of unsent ?? []) gauge.set({ state: one.state }, valueOf(one));
      },
    });
  }

  #askUnsent(): Promise<readonly Unsent[] | null> {
    if (performance.now() - this.#unsentAskedAt >= UNSENT_ASKED_EVERY_MS) {
      this.#unsentAskedAt = performance.now();
      this.#unsent = this.#sources.unsent();
    }
    const answer = this.#unsent.catch(() => null);
    return Promise.race([answer, delay(UNSENT_AWAITED_MS, null, { ref: false })]);
  }

  #counter(name: string, help: string, labelNames: readonly string[] = []): Counter {
    return new Counter({ name: `account_${name}`, help, labelNames, registers: [this.#registry] });
  }

  #histogram(name: string, help: string, buckets: number[], labelNames: readonly string[] = []): Histogram {
    return new Histogram({ name: `account_${name}`, help, labelNames, buckets, registers: [this.#registry] });
  }

  #gauge(
    name: string,
    help: string,
    options: {
      labelNames?: readonly string[];
      /** How the values of several workers become one. Default: their sum. */
      aggregator?: "max" | "first";
      collect?: (gauge: Gauge) => void | Promise<void>;
    } = {},
  ): Gauge {
    const { collect, ...rest } = options;
    const gauge: Gauge = new Gauge({
      name: `account_${name}`,
      help,
      registers: [this.#registry],
      ...rest,
      ...(collect && { collect: () => collect(gauge) }),
    });
    return gauge;
  }
}

/** The metrics of all workers as one, for their primary process. */
export function workersMetrics(): () => Promise<string> {
  const registry = new AggregatorRegistry();
  let reading: Promise<string> | undefined;
  return () =>
    (reading ??= registry.clusterMetrics().finally(() => {
      reading = undefined;
    }));
}
