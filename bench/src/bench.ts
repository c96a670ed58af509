// A complete run: every workload with every number of accounts, and the resulting figures.
import type { Contender } from "./contender.ts";
import { accountServer } from "./contenders/account-server.ts";
import { figure, ratioFigure, type FigureName, type Figures } from "./figures.ts";
import { median, ratios, type Measured } from "./measuring.ts";
import type { Plan } from "./plan.ts";
import { startPostgres, type Postgres } from "./postgres.ts";
import type { ResidentMb } from "./server-process.ts";
import { SmtpSink } from "./smtp-sink.ts";
import { openStage, Running, start, type Variant } from "./stage.ts";
import * as work from "./work.ts";

/** The measurements, by workload, number of accounts and server. */
export type Measurements = Record<string, Record<string, Record<string, Measurement>>>;

export interface Measurement {
  readonly median: number;
  readonly spread: readonly [number, number];
}

export interface Outcome {
  readonly figures: Figures;
  readonly measurements: Measurements;
}

const OURS = accountServer.name;

export async function runBench(plan: Plan, peers: readonly Contender[]): Promise<Outcome> {
  const run = new Run(plan, peers);
  await using opened = new AsyncDisposableStack();
  const postgres = await startPostgres();
  opened.defer(() => postgres.stop());
  // PostgreSQL runs in its own session, so Ctrl-C in the terminal does not reach it.
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.once(signal, () => void postgres.stop().finally(() => process.exit(1)));
  const sink = await SmtpSink.start();
  opened.defer(() => sink.stop());
  for (const accounts of plan.accounts) await run.compare(accounts, postgres, sink);
  await run.compareCounts(sink);
  await run.compareWorkers(sink);
  await run.compareLimits(sink);
  await run.starts();
  return { figures: run.figures, measurements: run.measurements };
}

class Run {
  readonly figures: Figures = {};
  readonly measurements: Measurements = {};
  readonly #plan: Plan;
  readonly #peers: readonly Contender[];
  /** The account server's databases, by number of accounts. */
  readonly #databases = new Map<number, string>();
  readonly #startedAt = performance.now();

  constructor(plan: Plan, peers: readonly Contender[]) {
    this.#plan = plan;
    this.#peers = peers;
  }

  async compare(accounts: number, postgres: Postgres, sink: SmtpSink): Promise<void> {
    const plan = this.#plan;
    const at = ` at ${accounts}`;
    const stage = await openStage({ contenders: [accountServer, ...this.#peers], accounts, postgres, sink });
    const note = (name: string, measured: Measured) => this.#note(name, accounts, measured);
    try {
      this.#databases.set(accounts, stage.running[0]!.databaseUrl);
      note("start to ready, ms", singles(stage.startMs));
      this.#noteMemory("memory idle", accounts, stage.idleMb);

      const me = note("me, requests a second", await work.measureMe(stage, plan));
      this.figures[`me over the floor${at}`] = ratioFigure("me over the floor", me, OURS, "floor");
      const best = this.#peers.map(({ name }) => me[name] ?? []).sort((a, b) => median(b) - median(a))[0];
      if (best) {
        this.figures[`me over the best peer${at}`] = figure(
          "me over the best peer",
          ratios(me[OURS] ?? [], best),
        );
      }

      for (const kind of ["right", "wrong", "unknown"] as const) {
        const logins = note(
          `login (${kind}), requests a second`,
          await work.measureLogins(stage, plan, kind),
        );
        const key = `login over argon2 alone (${kind})${at}`;
        this.figures[key] = ratioFigure("login over argon2 alone", logins, OURS, "argon2");
      }
      const registrations = await work.measureRegistrations(stage, plan, sink);
      note("register, requests a second", registrations);
      this.figures[`register over argon2 alone${at}`] = ratioFigure(
        "register over argon2 alone",
        registrations,
        OURS,
        "argon2",
      );
      note("register to mail, ms", await work.measureRegisterToMail(stage, plan, sink));
      note(
        "finalizeRegistration, requests a second",
        await work.measureFinalizeRegistration(stage, plan, sink),
      );
      note("requestReset to mail, ms", await work.measureResetToMail(stage, plan, sink));
      note("finalizeReset, requests a second", await work.measureFinalizeReset(stage, plan, sink));

      const delays = note("commit to SMTP, ms", await work.measureCommitToMail(stage, plan, sink));
      this.figures[`commit to SMTP beyond nodemailer alone${at}`] = figure(
        "commit to SMTP beyond nodemailer alone",
        (delays[OURS] ?? []).map((ms, round) => ms - (delays["nodemailer"]?.[round] ?? Number.NaN)),
      );
      const mails = note("mails a minute", await work.measureMails(stage, plan, sink));
      this.figures[`mails a minute over nodemailer alone${at}`] = ratioFigure(
        "mails a minute over nodemailer alone",
        mails,
        OURS,
        "nodemailer",
      );

      const { calm, storm } = await work.measureStorm(stage, plan);
      note("p99 of me, ms", calm);
      note("p99 of me in a login storm, ms", storm);
      const key = `p99 of me in a login storm over p99 without${at}`;
      this.figures[key] = figure(
        "p99 of me in a login storm over p99 without",
        ratios(storm[OURS] ?? [], calm[OURS] ?? []),
      );

      const { perSecond, residentMb } = await work.measureMixed(stage, plan);
      note("mixed load, requests a second", perSecond);
      this.#noteMemory("memory under the mixed load", accounts, residentMb);
    } finally {
      await stage.stop();
    }
  }

  /** Compares the account server's times for all numbers of accounts. */
  async compareCounts(sink: SmtpSink): Promise<void> {
    await using opened = new AsyncDisposableStack();
    const running: Running[] = [];
    for (const [accounts, databaseUrl] of this.#databases) {
      const server = await start(accountServer, databaseUrl, sink);
      opened.defer(() => server.stop());
      running.push(new Running(accountServer, server, databaseUrl, accounts));
    }
    const times = await work.measureTimes(running, this.#plan, sink);
    const [fewest, most] = [Math.min(...this.#databases.keys()), Math.max(...this.#databases.keys())];
    for (const [operation, measured] of Object.entries(times)) {
      for (const [accounts, values] of Object.entries(measured))
        this.#note(`time of ${operation}, ms`, Number(accounts), { [OURS]: values });
      if (most === fewest) continue;
      const key = `time with most accounts over fewest (${operation})`;
      this.figures[key] = ratioFigure(
        "time with most accounts over fewest",
        measured,
        String(most),
        String(fewest),
      );
    }
  }

  async compareWorkers(sink: SmtpSink): Promise<void> {
    await this.#compareVariants(sink, "by workers", "two workers over one", {
      two: { workers: 2 },
      one: {},
    });
  }

  /** Every try is counted, as in production, but none is refused. */
  async compareLimits(sink: SmtpSink): Promise<void> {
    const variants = { with: {}, without: { env: { RATE_LIMITS: "off" } } };
    const rounds = this.#plan.roundsOfLimits;
    await this.#compareVariants(
      sink,
      "with and without rate limits",
      "with rate limits over without",
      variants,
      rounds,
    );
  }

  /** Two ways to run the account server, side by side on one database; the figure is the first over the second. */
  async #compareVariants(
    sink: SmtpSink,
    what: string,
    name: FigureName,
    variants: Readonly<Record<string, Variant>>,
    rounds = this.#plan.rounds,
  ): Promise<void> {
    await using opened = new AsyncDisposableStack();
    const accounts = this.#plan.accounts[0]!;
    const databaseUrl = this.#databases.get(accounts)!;
    const running: Record<string, Running> = {};
    for (const [label, variant] of Object.entries(variants)) {
      const server = await start(accountServer, databaseUrl, sink, variant);
      opened.defer(() => server.stop());
      running[label] = new Running(accountServer, server, databaseUrl, accounts);
    }
    const [one = "", other = ""] = Object.keys(variants);
    for (const [operation, measured] of Object.entries(
      await work.measureVariants(running, { ...this.#plan, rounds }),
    )) {
      this.#note(`${operation} ${what}, requests a second`, accounts, measured);
      this.figures[`${name} (${operation})`] = ratioFigure(name, measured, one, other);
    }
  }

  async starts(): Promise<void> {
    const { first = [], second = [] } = await work.measureStart(this.#plan);
    this.figures["first start"] = figure("first start", first);
    this.figures["second start"] = figure("second start", second);
  }

  #noteMemory(name: FigureName, accounts: number, measured: Readonly<Record<string, ResidentMb>>): void {
    for (const part of ["itself", "all"] as const) {
      const values = Object.entries(measured).map(([who, resident]) => [who, [resident[part]]] as const);
      this.#note(`${name}, MB (${part})`, accounts, Object.fromEntries(values));
    }
    this.figures[`${name} at ${accounts}`] = figure(name, [measured[OURS]?.itself ?? Number.NaN]);
  }

  /** Stores a measurement and prints it. */
  #note(name: string, accounts: number, measured: Measured): Measured {
    const byWho = ((this.measurements[name] ??= {})[String(accounts)] ??= {});
    for (const [who, values] of Object.entries(measured)) {
      byWho[who] = { median: median(values), spread: [Math.min(...values), Math.max(...values)] };
    }
    const minutes = ((performance.now() - this.#startedAt) / 60_000).toFixed(1);
    const told = Object.entries(byWho).map(([who, { median }]) => `${who} ${Number(median.toPrecision(3))}`);
    console.error(`${minutes} min  ${accounts} accounts  ${name}: ${told.join(", ")}`);
    return measured;
  }
}

function singles(values: Readonly<Record<string, number>>): Measured {
  return Object.fromEntries(Object.entries(values).map(([who, value]) => [who, [value]]));
}
