// No more can be written to a disk: here, because the process may write no file.
import { execFileSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { expect, inject, test } from "vitest";

import { createDatabase, query } from "../support/postgres.ts";
import { startProcess, temporaryFolder, type ServerProcess } from "../support/process.ts";
import { PASSWORD } from "../support/server.ts";

/** Linux's. */
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
