// Starts the server, and stops it on a signal.
import "./node-version.ts";

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import type { App } from "../app/app.ts";
import { loadConfig, readEnvironment, type Config } from "../config/config.ts";
import { createLogger, loggableError } from "../log.ts";
import { printError, visibleLines } from "./terminal.ts";
import { isFirst, isWorker, runWorkers } from "./workers.ts";

/** With its hashing process, a server whose heap may double takes up to 250 MB (docs/performance.md), besides the text of its programs. */
const ROOMY_MB = 384;

const state = { isStopping: false };

try {
  const config = loadConfig(readEnvironment());
  if (!isWorker()) await warn(config);
  if (isFirst(config.workers)) {
    await serveWorkersMetrics(config);
    runWorkers(config.workers, stopWithinMs(config));
  } else await serve(config);
} catch (error) {
  printError(error);
  // After a signal, stop() is already running and will exit.
  if (!state.isStopping) process.exit(1);
}

/** Logs the weak settings, once for all workers. */
async function warn({ warnings, logLevel, isProduction }: Config): Promise<void> {
  if (warnings.length === 0) return;
  const log = await createLogger(logLevel, isProduction);
  for (const warning of warnings) log.warn(warning);
}

/** The workers cannot share the port of the metrics: whoever asks wants those of all. */
async function serveWorkersMetrics(config: Config): Promise<void> {
  if (config.metricsPort === null) return;
  const { workersMetrics } = await import("../metrics/metrics.ts");
  const { serveMetrics } = await import("../metrics/metrics-server.ts");
  const log = await createLogger(config.logLevel, config.isProduction);
  await serveMetrics({ host: config.host, port: config.metricsPort }, workersMetrics(), log);
}

async function serve(config: Config): Promise<void> {
  // Imported here, because the primary process of WORKERS does not need it.
  const { App } = await import("../app/app.ts");
  const app = new App(config, { onFatal: (message) => stop(app, config, message) });
  // Registered before the start, so that a signal during the start also stops in order. Repeated signals have no effect;
  // a terminal and npm each send one.
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop(app, config));
  // An error without a listener, such as one of a connection that breaks while it is being closed.
  process.on("uncaughtException", (error) => stop(app, config, JSON.stringify(loggableError(error))));
  await app.start();
  tidyHeap(config);
  if (!config.isProduction) console.log(banner(app, config));
}

/** Stops the server in order and exits, with code 1 after a fault. Further calls have no effect. */
function stop(app: App, config: Config, fault?: string): void {
  if (fault !== undefined) console.error(visibleLines(fault));
  if (state.isStopping) return;
  state.isStopping = true;
  // Keeps the process alive meanwhile: with nothing left to wait for, it would end in the middle of the stop, with code 0.
  setTimeout(() => process.exit(1), stopWithinMs(config));
  void app.stop().finally(() => process.exit(fault === undefined ? 0 : 1));
}

/** Docker and others kill 10 seconds after the signal. */
function stopWithinMs({ drainSeconds }: Config): number {
  return 8_800 + drainSeconds * 1000;
}

/** Keeps memory low (docs/performance.md): collects the garbage of the start now, and later garbage earlier than by default. */
function tidyHeap({ workers }: Config): void {
  // By default V8 lets the old generation grow several-fold between major collections. Collecting at each doubling keeps
  // memory low; collecting more often takes a tenth of the server's time. In a small container it is worth that: V8 does not know of
  // the process that hashes beside it, and a heap that doubles could get the server killed.
  const megabytes = process.constrainedMemory() / workers / 2 ** 20; // 0 if the system does not tell
  const isTight = megabytes > 0 && megabytes < ROOMY_MB;
  setFlagsFromString(`--heap-growing-percent=${isTight ? 40 : 100}`);
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as (options: object) => void)({ type: "major", flavor: "last-resort" });
}

function banner(app: App, config: Config): string {
  const lines = [`${config.appName} is ready.`, ""];
  if (config.hasWebClient) lines.push(`  Web client  ${app.url}/`);
  lines.push(`  GraphiQL    ${app.url}/graphql`);
  if (!config.smtp) lines.push(`  Mailbox     ${app.url}/mailbox`);
  const standIns = [...app.standIns];
  if (!config.smtp) standIns.push("MAIL_SERVER emails go to the mailbox");
  if (standIns.length > 0) {
    lines.push("", "Not for production:", ...standIns.map((line) => `  ${line}`));
  }
  return lines.join("\n");
}
