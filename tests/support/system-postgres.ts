// The PostgreSQL of the system, such as Debian's, which has the tools that the embedded one lacks: pg_dump, pg_basebackup.
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { onTestFinished } from "vitest";

const WAIT_SECONDS = "30";

function output(command: string, args: string[]): string | null {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return null;
  }
}

/** The folder of its programs, or null if it is not installed with all of them. */
export const POSTGRES_BIN = (() => {
  const folder = output("pg_config", ["--bindir"]);
  const isWhole = ["initdb", "pg_ctl", "pg_dump", "pg_restore", "pg_basebackup"].every(
    (program) => folder !== null && existsSync(join(folder, program)),
  );
  return isWhole ? folder : null;
})();
/** PostgreSQL refuses to run as root. */
export const SYSTEM_USER =
  process.getuid?.() === 0 ? Number(output("id", ["-u", "postgres"]) ?? NaN) : undefined;

/** Tests that need it are skipped under this name where it is missing. */
export const hasSystemPostgres = POSTGRES_BIN !== null && !Number.isNaN(SYSTEM_USER);

/** Runs one of its programs. */
export function run(program: string, args: string[]): void {
  const options = SYSTEM_USER === undefined ? {} : { uid: SYSTEM_USER, gid: SYSTEM_USER };
  execFileSync(join(POSTGRES_BIN!, program), args, {
    stdio: ["ignore", "ignore", "pipe"],
    cwd: "/",
    env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C" },
    ...options,
  });
}

/** A folder of PostgreSQL's user that goes with the test. */
export function folderOfPostgres(): string {
  const folder = mkdtempSync(join(tmpdir(), "account-server-postgres-"));
  if (SYSTEM_USER !== undefined) chownSync(folder, SYSTEM_USER, SYSTEM_USER);
  chmodSync(folder, 0o700);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

export class SystemPostgres {
  readonly port: number;
  readonly #data: string;

  private constructor(port: number, data: string) {
    this.port = port;
    this.#data = data;
  }

  /** A new server on 127.0.0.1 that stops with the test. Everybody there is let in as its superuser `accounts`. */
  static async start({ tls = false } = {}): Promise<SystemPostgres> {
    const data = join(folderOfPostgres(), "data");
    run("initdb", ["-D", data, "-U", "accounts", "-A", "trust", "-N", "-E", "UTF8", "--no-locale"]);
    if (tls) {
      // Of localhost and 127.0.0.1.
      for (const [from, to] of [
        ["smtp-certificate.pem", "server.crt"],
        ["smtp-key.pem", "server.key"],
      ] as const) {
        const file = join(data, to);
        writeFileSync(file, readFileSync(join("tests/fixtures", from)), { mode: 0o600 });
        if (SYSTEM_USER !== undefined) chownSync(file, SYSTEM_USER, SYSTEM_USER);
      }
      appendFileSync(join(data, "postgresql.conf"), "ssl = on\n");
    }
    return SystemPostgres.#at(data);
  }

  /** A hot standby of this server. */
  async startStandby(): Promise<SystemPostgres> {
    const data = join(folderOfPostgres(), "data");
    run("pg_basebackup", ["-D", data, "-d", this.url("postgres"), "-R", "-X", "stream", "-c", "fast"]);
    return SystemPostgres.#at(data);
  }

  static async #at(data: string): Promise<SystemPostgres> {
    const postgres = new SystemPostgres(await freePort(), data);
    postgres.start();
    onTestFinished(() => postgres.stop());
    return postgres;
  }

  /** Starts it again after a stop, at the same port. */
  start(): void {
    const settings = `-p ${this.port} -h 127.0.0.1,127.0.0.2 -k '' -c fsync=off -c max_connections=200`;
    run("pg_ctl", [
      "start", "-w", "-t", WAIT_SECONDS, "-D", this.#data, "-l", join(this.#data, "server.log"), "-o", settings,
    ]); // prettier-ignore
  }

  /** Ends it with its connections, as a crash of the machine would. */
  stop(): void {
    if (existsSync(join(this.#data, "postmaster.pid")))
      run("pg_ctl", ["stop", "-w", "-t", WAIT_SECONDS, "-m", "immediate", "-D", this.#data]);
  }

  /** Makes a standby a server that takes writes. */
  promote(): void {
    run("pg_ctl", ["promote", "-w", "-t", WAIT_SECONDS, "-D", this.#data]);
  }

  url(database: string): string {
    return `postgresql://accounts@127.0.0.1:${this.port}/${database}`;
  }
}
