// Runs an embedded PostgreSQL in the data folder, so that the server needs no database of yours. The caller holds the lock of
// the data folder, so a PostgreSQL that already runs in it is an orphan of a crashed server.
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import {
  chownSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { readOrCreateSecret, readSecret } from "./data-dir.ts";
import { findData, placePostgres, type PostgresPlace, spawnOptions } from "./system-user.ts";

export interface EmbeddedPostgres {
  databaseUrl: string;
  /** PostgreSQL's data directory. It is in the data folder, unless the server runs as root and PostgreSQL's user can't enter that. */
  dataLocation: string;
  stop(): Promise<void>;
}

/** The running postmaster. `exited` resolves with how it ended. */
interface Postmaster {
  child: ChildProcess;
  port: number;
  exited: Promise<string>;
}

const USER = "accounts";
const DATABASE = "accounts";
const PASSWORD_FILE = "database-password";
const MAX_LOG_SIZE = 10 * 1024 * 1024;
const READY_WITHIN_MS = 20_000;
const RETRY_FOR_MS = 10_000;
const EACH_SIGNAL_MS = 5_000;

/**
 * Starts PostgreSQL in the data folder, on a free port of 127.0.0.1, and resolves when it accepts connections. The first start
 * creates the database. Cleans up after a crash first.
 */
export async function startEmbeddedPostgres(options: {
  dataDir: string;
  onUnexpectedExit: (message: string) => void;
}): Promise<EmbeddedPostgres> {
  const dataDir = realpathSync(options.dataDir);
  const place = await placePostgres(dataDir);
  const passwordPath = join(dataDir, PASSWORD_FILE);
  await prepareData(place, passwordPath);

  const logPath = join(dataDir, "postgres.log");
  if (existsSync(logPath) && statSync(logPath).size > MAX_LOG_SIZE) truncateSync(logPath);
  const postmaster = await startPostmaster(place, logPath);

  let stopping: Promise<void> | undefined;
  void postmaster.exited.then((how) => {
    if (stopping) return;
    options.onUnexpectedExit(
      `PostgreSQL ended unexpectedly (${how}). The end of its log, ${logPath}:\n${endOfLog(logPath)}`,
    );
  });
  return {
    databaseUrl: databaseUrl(readOrCreateSecret(passwordPath), postmaster.port),
    dataLocation: place.dataLocation,
    stop: () => (stopping ??= stopPostmaster(postmaster)),
  };
}

/**
 * Finds the PostgreSQL of the process that has locked the data folder, and waits for it if it is still starting.
 * @throws {Error} if that process runs no PostgreSQL
 */
export async function findRunningPostgres(dataDir: string): Promise<string> {
  const folder = realpathSync(dataDir);
  const patience = Date.now() + RETRY_FOR_MS;
  while (Date.now() < patience) {
    const dataLocation = findData(folder);
    const running = dataLocation === undefined ? undefined : readyPostmaster(dataLocation);
    if (dataLocation !== undefined && running && isPostgresOf(dataLocation, running.pid)) {
      const password = readSecret(join(folder, PASSWORD_FILE));
      if (password !== undefined) return databaseUrl(password, running.port);
    }
    await sleep(100);
  }
  throw new Error(
    `The account server that uses the data folder ${folder} runs no PostgreSQL in it. ` +
      `Set the same DATABASE_URL as for that server.`,
  );
}

function databaseUrl(password: string, port: number): string {
  return `postgresql://${USER}:${encodeURIComponent(password)}@127.0.0.1:${port}/${DATABASE}`;
}

async function prepareData(place: PostgresPlace, passwordPath: string): Promise<void> {
  const passwordIsKnown = existsSync(passwordPath);
  const password = readOrCreateSecret(passwordPath);
  if (!existsSync(join(place.dataLocation, "PG_VERSION"))) return createData(place, password);

  await clearAfterCrash(place.dataLocation);
  if (passwordIsKnown) return;
  try {
    await runSql(place, place.dataLocation, `ALTER ROLE ${USER} PASSWORD '${password}'`);
  } catch (error) {
    rmSync(passwordPath);
    throw error;
  }
}

/** Creates the data directory with the database. It is created under another name and then renamed, so it is never incomplete. */
async function createData(place: PostgresPlace, password: string): Promise<void> {
  const { user, dataLocation } = place;
  const draftPrefix = `${dataLocation}.new-`;
  for (const name of readdirSync(dirname(dataLocation))) {
    const path = join(dirname(dataLocation), name);
    // The initdb of a killed server may still be writing for a moment.
    if (path.startsWith(draftPrefix)) rmSync(path, { recursive: true, force: true, maxRetries: 10 });
  }

  const draft = mkdtempSync(draftPrefix);
  try {
    const data = join(draft, "data");
    const passwordFile = join(draft, "password");
    writeFileSync(passwordFile, password, { mode: 0o600 });
    if (user) for (const path of [draft, passwordFile]) chownSync(path, user.uid, user.gid);

    const access = [`--username=${USER}`, "--auth=scram-sha-256", `--pwfile=${passwordFile}`];
    await run(place, "initdb", [`--pgdata=${data}`, ...access, "--encoding=UTF8", "--locale=C"]);
    await runSql(place, data, `CREATE DATABASE ${DATABASE}`);
    renameSync(data, dataLocation);
  } finally {
    rmSync(draft, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** Runs a statement on a data directory that no PostgreSQL is using. */
async function runSql(place: PostgresPlace, data: string, sql: string): Promise<void> {
  // If the statement fails, the error message must not contain its password.
  const settings = ["-c", "exit_on_error=on", "-c", "log_min_error_statement=panic"];
  await run(place, "postgres", ["--single", "-D", data, ...settings, "postgres"], `${sql}\n`);
}

async function run(place: PostgresPlace, program: string, args: string[], input = ""): Promise<void> {
  const running = promisify(execFile)(join(place.programs, program), args, spawnOptions(place.user));
  // If the program exits without reading its input, its own error message is better than that of the broken pipe.
  running.child.stdin?.on("error", () => undefined).end(input);
  try {
    await running;
  } catch (error) {
    // The message contains the command and everything that the program wrote to stderr.
    throw new Error(`PostgreSQL's ${program} failed: ${(error as Error).message.trim()}`, { cause: error });
  }
}

/** Stops a PostgreSQL that outlived a killed server, and removes a stale postmaster.pid that would prevent the start. */
async function clearAfterCrash(dataLocation: string): Promise<void> {
  const pidFile = join(dataLocation, "postmaster.pid");
  if (!existsSync(pidFile)) return;
  // In single-user mode, postgres writes its negated pid.
  const pid = Math.abs(Number.parseInt(readFileSync(pidFile, "utf8"), 10));

  for (const signal of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
    if (!isPostgresOf(dataLocation, pid)) break;
    sendSignal(pid, signal);
    const patience = Date.now() + EACH_SIGNAL_MS;
    while (isPostgresOf(dataLocation, pid) && Date.now() < patience) await sleep(20);
  }
  if (isPostgresOf(dataLocation, pid)) {
    throw new Error(
      `A PostgreSQL that a crash left running in ${dataLocation} doesn't stop. Kill its process, ${pid}.`,
    );
  }
  // PostgreSQL removes the file if the process is dead, but not if another program now has the same pid.
  if (!pid || sendSignal(pid, 0)) rmSync(pidFile, { force: true });
}

function isPostgresOf(dataLocation: string, pid: number): boolean {
  if (!pid || !sendSignal(pid, 0)) return false;
  if (process.platform !== "linux") {
    const ps = spawnSync("ps", ["-ww", "-o", "command=", "-p", String(pid)], { encoding: "utf8" });
    return ps.status === 0 && ps.stdout.includes(`-D ${dataLocation} `);
  }
  try {
    const [program = "", ...args] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    if (basename(program) !== "postgres") return false;
    // The arguments are readable even in containers that hide the working directory of another user's process. The working
    // directory is correct even if the data folder has been renamed.
    return args.includes(dataLocation) || readlinkSync(`/proc/${pid}/cwd`) === dataLocation;
  } catch {
    return false;
  }
}

/** Returns whether the process exists. */
function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Starts the postmaster. Retries if another program took the port, or if processes of a crashed one are still ending. */
async function startPostmaster(place: PostgresPlace, logPath: string): Promise<Postmaster> {
  const patience = Date.now() + RETRY_FOR_MS;
  for (;;) {
    const logStart = existsSync(logPath) ? statSync(logPath).size : 0;
    const postmaster = spawnPostmaster(place, await freePort(), logPath);
    const failure = await untilReady(postmaster, place.dataLocation, logPath);
    if (failure === undefined) return postmaster;

    const log = endOfLog(logPath, logStart);
    const isPassing = /Address already in use|shared memory block .* still in use/.test(log);
    if (!isPassing || Date.now() > patience) {
      throw new Error(
        `PostgreSQL didn't start in ${place.dataLocation} (${failure}). The end of its log, ${logPath}:\n${log}`,
      );
    }
    await sleep(100);
  }
}

function spawnPostmaster(place: PostgresPlace, port: number, logPath: string): Postmaster {
  const settings = {
    listen_addresses: "127.0.0.1",
    port,
    // No socket file: the path of the data folder may be too long for one.
    unix_socket_directories: "",
    // Statements and error details contain personal data.
    log_error_verbosity: "terse",
    log_min_error_statement: "panic",
  };
  const args = [
    "-D",
    place.dataLocation,
    ...Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`]),
  ];
  const log = openSync(logPath, "a", 0o600);
  try {
    const child = spawn(join(place.programs, "postgres"), args, {
      ...spawnOptions(place.user),
      stdio: ["ignore", log, log],
      // In its own session, so that Ctrl-C in the terminal reaches only the server, which stops PostgreSQL in order.
      detached: true,
    });
    const exited = new Promise<string>((resolve) => {
      child.on("error", (error) => resolve(error.message));
      child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    return { child, port, exited };
  } finally {
    closeSync(log);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Resolves when PostgreSQL accepts connections, or with the reason if it does not start. */
async function untilReady(
  postmaster: Postmaster,
  dataLocation: string,
  logPath: string,
): Promise<string | undefined> {
  let failure: string | undefined;
  void postmaster.exited.then((how) => (failure = how));

  let deadline = Date.now() + READY_WITHIN_MS;
  let logSize = 0;
  while (failure === undefined) {
    if (readyPostmaster(dataLocation)?.pid === postmaster.child.pid) return undefined;
    // Crash recovery can take long. It logs its progress every ten seconds.
    const { size } = statSync(logPath);
    if (size !== logSize) deadline = Date.now() + READY_WITHIN_MS;
    logSize = size;
    if (Date.now() > deadline) {
      await stopPostmaster(postmaster);
      return `not ready, and no new line in its log for ${READY_WITHIN_MS / 1000} s`;
    }
    await sleep(20);
  }
  return failure;
}

/** The postmaster whose pid file says that it accepts connections. */
function readyPostmaster(dataLocation: string): { pid: number; port: number } | undefined {
  try {
    const lines = readFileSync(join(dataLocation, "postmaster.pid"), "utf8").split("\n");
    return lines[7]?.trim() === "ready" ? { pid: Number(lines[0]), port: Number(lines[3]) } : undefined;
  } catch {
    return undefined;
  }
}

async function stopPostmaster({ child, exited }: Postmaster): Promise<void> {
  child.kill("SIGINT");
  const impatience = setTimeout(() => child.kill("SIGQUIT"), EACH_SIGNAL_MS);
  await exited;
  clearTimeout(impatience);
}

function endOfLog(logPath: string, from = 0): string {
  if (!existsSync(logPath)) return "(the log is missing)";
  const { size } = statSync(logPath);
  const end = Buffer.alloc(Math.max(0, Math.min(size - from, 4096)));
  const log = openSync(logPath, "r");
  readSync(log, end, 0, end.length, size - end.length);
  closeSync(log);
  return end.toString().trim().split("\n").slice(-8).join("\n");
}
