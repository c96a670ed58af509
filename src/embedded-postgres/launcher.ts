// Runs a PostgreSQL of the server's own on the data folder, so that the server needs no database set up
// beforehand. The lock of the data folder is held meanwhile: a PostgreSQL found running on it by its holder is an orphan.
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
  /** The folder of the data: in the data folder, except where root's PostgreSQL user can't reach that. */
  dataLocation: string;
  stop(): Promise<void>;
}

/** The running postmaster; `exited` tells how it ended, once it has. */
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
 * Starts PostgreSQL on the data folder and resolves once it takes connections, on a free port of 127.0.0.1;
 * the first start creates the database. What a crash left behind is put in order first.
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
      `PostgreSQL ended unexpectedly (${how}). Its log, ${logPath}, ends:\n${endOfLog(logPath)}`,
    );
  });
  return {
    databaseUrl: databaseUrl(readOrCreateSecret(passwordPath), postmaster.port),
    dataLocation: place.dataLocation,
    stop: () => (stopping ??= stopPostmaster(postmaster)),
  };
}

/**
 * The PostgreSQL that another process, which holds the lock of the data folder, runs on it; waits while that one starts.
 * @throws {Error} where it runs none
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
    `The account server that runs on the data folder ${folder} has no PostgreSQL there that answers: ` +
      `give the same DATABASE_URL as to that server.`,
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

/** Creates the data with the database in it. They are complete or absent: made aside, then renamed. */
async function createData(place: PostgresPlace, password: string): Promise<void> {
  const { user, dataLocation } = place;
  const draftPrefix = `${dataLocation}.new-`;
  for (const name of readdirSync(dirname(dataLocation))) {
    const path = join(dirname(dataLocation), name);
    // An initdb of a killed server may still be writing there for a moment.
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

/** Runs a statement on data that no PostgreSQL runs on. */
async function runSql(place: PostgresPlace, data: string, sql: string): Promise<void> {
  // A failing statement must not put the password in it into the message.
  const settings = ["-c", "exit_on_error=on", "-c", "log_min_error_statement=panic"];
  await run(place, "postgres", ["--single", "-D", data, ...settings, "postgres"], `${sql}\n`);
}

async function run(place: PostgresPlace, program: string, args: string[], input = ""): Promise<void> {
  const running = promisify(execFile)(join(place.programs, program), args, spawnOptions(place.user));
  // A program that ends without reading its input fails with a message better than the broken pipe's.
  running.child.stdin?.on("error", () => undefined).end(input);
  try {
    await running;
  } catch (error) {
    // The message is the command, then all that the program wrote to stderr.
    throw new Error(`PostgreSQL's ${program} failed: ${(error as Error).message.trim()}`, { cause: error });
  }
}

/** Stops the PostgreSQL that outlived a killed server, and removes a postmaster.pid that would block the start. */
async function clearAfterCrash(dataLocation: string): Promise<void> {
  const pidFile = join(dataLocation, "postmaster.pid");
  if (!existsSync(pidFile)) return;
  // A postgres in single-user mode writes its pid negated.
  const pid = Math.abs(Number.parseInt(readFileSync(pidFile, "utf8"), 10));

  for (const signal of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
    if (!isPostgresOf(dataLocation, pid)) break;
    sendSignal(pid, signal);
    const patience = Date.now() + EACH_SIGNAL_MS;
    while (isPostgresOf(dataLocation, pid) && Date.now() < patience) await sleep(20);
  }
  if (isPostgresOf(dataLocation, pid)) {
    throw new Error(
      `The PostgreSQL that a crash left running on ${dataLocation} doesn't end: end its process ${pid}.`,
    );
  }
  // PostgreSQL removes the file of a dead process, but not one whose pid is another program's by now.
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
    // The arguments are readable even in containers that hide another user's working folder; the working
    // folder follows when the data folder is renamed.
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

/** Starts the postmaster, again where the port was snatched or a crash's last processes are still ending. */
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
        `PostgreSQL didn't start on ${place.dataLocation} (${failure}). Its log, ${logPath}, says:\n${log}`,
      );
    }
    await sleep(100);
  }
}

function spawnPostmaster(place: PostgresPlace, port: number, logPath: string): Postmaster {
  const settings = {
    listen_addresses: "127.0.0.1",
    port,
    // The path of the data folder can be too long for a socket.
    unix_socket_directories: "",
    // Statements and the details of their errors hold personal data.
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
      // A session of its own: Ctrl-C in the terminal reaches the server alone, which stops PostgreSQL in order.
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

/** Resolves once PostgreSQL takes connections, or, to the reason, once it has ended without. */
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
    // The recovery after a crash may take long; it reports its progress in the log every ten seconds.
    const { size } = statSync(logPath);
    if (size !== logSize) deadline = Date.now() + READY_WITHIN_MS;
    logSize = size;
    if (Date.now() > deadline) {
      await stopPostmaster(postmaster);
      return `not ready after ${READY_WITHIN_MS / 1000} s without a word in its log`;
    }
    await sleep(20);
  }
  return failure;
}

/** The postmaster that says of itself that it takes connections. */
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
  if (!existsSync(logPath)) return "(the log is gone)";
  const { size } = statSync(logPath);
  const end = Buffer.alloc(Math.max(0, Math.min(size - from, 4096)));
  const log = openSync(logPath, "r");
  readSync(log, end, 0, end.length, size - end.length);
  closeSync(log);
  return end.toString().trim().split("\n").slice(-8).join("\n");
}
