// A real PgBouncer in front of the tests' PostgreSQL, where it is installed (Debian's package pgbouncer).
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";

import { expect, onTestFinished } from "vitest";

import { temporaryFolder } from "./process.ts";
import { freePort, SYSTEM_USER } from "./system-postgres.ts";

const PROGRAM = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/opt/homebrew/bin/pgbouncer"].find((path) =>
  existsSync(path),
);
export const hasPgBouncer = PROGRAM !== undefined;

/**
 * Starts a PgBouncer that ends with the test.
 * @param settings more lines of its configuration
 * @returns the URL of the same database through it
 */
export async function startPgBouncer(
  databaseUrl: string,
  poolMode: "transaction" | "session",
  settings: readonly string[] = [],
): Promise<string> {
  const { hostname, port, username, password, pathname } = new URL(databaseUrl);
  const listenPort = await freePort();
  const file = join(await temporaryFolder(), "pgbouncer.ini");
  const target = `host=${hostname} port=${port} user=${username} password=${decodeURIComponent(password)}`;
  const lines = [
    "[databases]",
    `* = ${target}`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${listenPort}`,
    "unix_socket_dir =",
    "auth_type = any",
    `pool_mode = ${poolMode}`,
    "max_client_conn = 500",
    ...settings,
  ];
  await writeFile(file, `${lines.join("\n")}\n`);
  await chmod(file, 0o644);
  const user = SYSTEM_USER === undefined ? {} : { uid: SYSTEM_USER, gid: SYSTEM_USER };
  const child = spawn(PROGRAM!, [file], { stdio: "ignore", ...user });
  const exited = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  await expect.poll(() => listens(listenPort)).toBe(true);
  return Object.assign(new URL(databaseUrl), {
    hostname: "127.0.0.1",
    port: String(listenPort),
    pathname,
  }).href;
}

function listens(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}
