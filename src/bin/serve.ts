// Starts the server and stops it on a signal; nothing else.
import "./node-version.ts";

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import type { App } from "../app/app.ts";
import { loadConfig, readEnvironment, type Config } from "../config/config.ts";
import { loggableError } from "../log.ts";
import { isFirst, runWorkers } from "./workers.ts";

const STOP_WITHIN_MS = 9_500;
const state = { isStopping: false };

try {
  const config = loadConfig(readEnvironment());
  if (isFirst(config.workers)) runWorkers(config.workers, STOP_WITHIN_MS);
  else await serve(config);
} catch (error) {
  console.error(error instanceof Error && !isBug(error) ? error.message : error);
  // After a signal the stop goes on and exits; else nothing is left to wait for.
  if (!state.isStopping) process.exit(1);
}

async function serve(config: Config): Promise<void> {
  // Loaded here, because the process that only starts others needs none of it.
  const { App } = await import("../app/app.ts");
  const app = new App(config, { onFatal: (message) => stop(app, message) });
  // From here on, so that a signal during the start stops in order too. Repeated ones (a terminal and npm both
  // send one) change nothing.
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop(app));
  // An error that nobody was there to hear of, such as that of a connection which ends while it is being closed.
  process.on("uncaughtException", (error) => stop(app, JSON.stringify(loggableError(error))));
  await app.start();
  tidyHeap();
  if (!config.isProduction) console.log(banner(app, config));
}

/** Ends the process in order, whatever else happens meanwhile; with a fault the exit code is 1. */
function stop(app: App, fault?: string): void {
  if (fault !== undefined) console.error(fault);
  if (state.isStopping) return;
  state.isStopping = true;
  setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
  void app.stop().finally(() => process.exit(fault === undefined ? 0 : 1));
}

/** Keeps the server small (docs/performance.md): what the start leaves behind goes at once, and garbage before it piles up. */
function tidyHeap(): void {
  // V8 would let the heap grow several times over before it looks through what is old; more often than at each doubling
  // would take a tenth of the server's time.
  setFlagsFromString("--heap-growing-percent=100");
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as (options: object) => void)({ type: "major", flavor: "last-resort" });
}

/** A refusal is one sentence for whoever starts the server; a bug comes with its stack. */
function isBug(error: Error): boolean {
  return error instanceof TypeError || error instanceof ReferenceError;
}

function banner(app: App, config: Config): string {
  const lines = [`${config.appName} is ready.`, ""];
  if (config.hasWebClient) lines.push(`  Web client  ${app.url}/`);
  lines.push(`  GraphiQL    ${app.url}/graphql`);
  if (!config.smtp) lines.push(`  Mailbox     ${app.url}/mailbox`);
  const standIns = [...app.standIns];
  if (!config.smtp) standIns.push("MAIL_SERVER mails go to the mailbox instead");
  if (standIns.length > 0) {
    lines.push("", "Standing in for what production needs:", ...standIns.map((line) => `  ${line}`));
  }
  return lines.join("\n");
}
