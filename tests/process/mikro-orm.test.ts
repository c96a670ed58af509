// The mikro-orm command finds mikro-orm.config.ts by itself, and the database of the server by it.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { inject, expect, test } from "vitest";

import { createDatabase } from "../support/postgres.ts";
import { BARE_ENVIRONMENT, startProcess, temporaryFolder } from "../support/process.ts";

const run = promisify(execFile);
const mikroOrm = (env: Record<string, string>, command: string) =>
  run("node_modules/.bin/mikro-orm", [command], { env: { ...BARE_ENVIRONMENT, NO_COLOR: "1", ...env } });

test("it reaches the database of DATABASE_URL, whose tables are those of the entities", async () => {
  const env = { DATABASE_URL: await createDatabase(inject("postgresUrl")) };
  expect((await mikroOrm(env, "migration:pending")).stdout).toContain("No pending migrations");
  expect((await mikroOrm(env, "migration:check")).stdout).toContain("No changes required");
});

test("it reaches the embedded database of a server that runs", async () => {
  const env = { DATA_DIR: await temporaryFolder() };
  await (await startProcess({ env })).ready();
  expect((await mikroOrm(env, "migration:pending")).stdout).toContain("No pending migrations");
});

test("without a database it says what to do", async () => {
  const env = { DATA_DIR: `${await temporaryFolder()}/nothing` };
  await expect(mikroOrm(env, "migration:pending")).rejects.toMatchObject({
    stderr: expect.stringContaining("Start the server with `npm start`, or set DATABASE_URL.") as string,
  });
});
