// The disk of the database or of the mailbox is full: nothing is half done, and room is all it takes to go on.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { chmod, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { expect, inject, onTestFinished, test } from "vitest";

import { startEmbeddedPostgres } from "../../src/embedded-postgres/launcher.ts";
import { createDatabase, query } from "../support/postgres.ts";
import { externalParts, startProcess, temporaryFolder, type ServerProcess } from "../support/process.ts";
import { PASSWORD } from "../support/server.ts";

const DISK_MB = 160; // a new database and its write-ahead log take 70

/** A disk of its own for the test, or null if the user may not mount one. */
async function smallDisk(): Promise<string | null> {
  const folder = join(await temporaryFolder(), "disk");
  await mkdir(folder);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_MB}m,mode=755`, "tmpfs", folder], {
      stdio: "ignore",
    });
  } catch {
    return null;
  }
  onTestFinished(() => void execFileSync("umount", ["--lazy", folder]));
  return folder;
}

/** Takes the last byte. */
async function fill(path: string): Promise<void> {
  const file = createWriteStream(path);
  const [error] = (
    await Promise.all([
      once(file, "error"),
      (async () => {
        while (!file.destroyed) await new Promise((written) => file.write(Buffer.alloc(64 * 1024), written));
      })(),
    ])
  )[0] as [NodeJS.ErrnoException];
  expect(error.code).toBe("ENOSPC");
}

test("a full disk refuses what needs room, and everything that was answered is there after it", async ({
  skip,
}) => {
  const disk = await smallDisk();
  if (disk === null) return skip("mounting a disk needs root");
  const dataDir = join(disk, "data");
  await mkdir(dataDir);
  await chmod(dataDir, 0o755); // as root, PostgreSQL runs as another user
  const postgres = await startEmbeddedPostgres({ dataDir, onUnexpectedExit: console.error });
  onTestFinished(() => postgres.stop());
  const { smtp, env } = await externalParts();
  const settings = { ...env, DATABASE_URL: postgres.databaseUrl, RATE_LIMITS: "off" };
  const server = await startProcess({ env: settings });
  const door = await server.ready();
  const ballast = join(disk, "ballast");
  await fill(ballast);

  const registered: string[] = [];
  for (let index = 0; ; index += 1) {
    const person = { username: `person${index}`, email: `person${index}@example.com`, password: PASSWORD };
    const answer = await door.register(person);
    if (answer.errors.length > 0) {
      door.refuse(answer, "SERVICE_UNAVAILABLE");
      break;
    }
    registered.push(person.email);
  }
  expect((await fetch(`${door.url}/readyz`)).status).toBe(503);
  expect(server.output).toMatch(/could not extend file|No space left on device/);

  await rm(ballast);

  await expect.poll(async () => (await fetch(`${door.url}/readyz`)).status).toBe(200);
  const last = { username: "last", email: "last@example.com", password: PASSWORD };
  door.succeed(await door.register(last));
  for (const email of [...registered, last.email]) await smtp.mailTo(email);
  const verify = await startProcess({ env: settings, script: "dist/bin/account.js", args: ["verify"] });
  expect(await verify.exited(), verify.output).toBe(0);
});

/** As on a full disk, the process may write no more to a file (Linux). */
const hasLimits = (() => {
  try {
    execFileSync("prlimit", ["--version"]);
    return true;
  } catch {
    return false;
  }
})();

const allowFiles = ({ child }: ServerProcess, bytes: "0" | "unlimited") =>
  execFileSync("prlimit", ["--pid", String(child.pid), `--fsize=${bytes}:unlimited`]);

test.skipIf(!hasLimits)(
  "a mailbox on a full disk keeps no half of an email, and gets it later (needs prlimit)",
  async () => {
    const DATABASE_URL = await createDatabase(inject("postgresUrl"));
    const DATA_DIR = await temporaryFolder();
    const JWT_SECRET = "a secret of this test, at least 32 bytes long";
    const server = await startProcess({ env: { DATABASE_URL, DATA_DIR, JWT_SECRET } });
    const door = await server.ready();
    const mailbox = join(DATA_DIR, "mailbox");

    allowFiles(server, "0");
    door.succeed(await door.register({ username: "ada", email: "ada@example.com", password: PASSWORD }));
    const tried = "select id from accounts_queue.job where name = 'mail' and retry_count > 0";
    await expect.poll(() => query(DATABASE_URL, tried)).toHaveLength(1);

    await expect.poll(() => readdir(mailbox)).toEqual([]); // also while it is tried again
    allowFiles(server, "unlimited");
    await expect.poll(() => readdir(mailbox)).toEqual(["00000001.eml"]);
  },
);
