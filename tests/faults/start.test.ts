// The start beside a database that is not there yet, or never comes, and the end after a part has failed.
import { readFile, truncate } from "node:fs/promises";
import { join } from "node:path";

import pg from "pg";
import { expect, inject, onTestFinished, test } from "vitest";

import { connectOrm, SCHEMA } from "../../src/database/orm.ts";
import { DatabaseProxy } from "../support/database-proxy.ts";
import { createDatabase, query } from "../support/postgres.ts";
import { dataLocation, externalParts, startProcess, temporaryFolder } from "../support/process.ts";

const ELSEWHERE = { JWT_SECRET: "a secret of this test, at least 32 bytes long", MAIL_SERVER: "127.0.0.1" };

test("a server that starts before its database waits for it, and says so", async () => {
  const { proxy, databaseUrl } = await DatabaseProxy.start();
  proxy.cut();
  const server = await startProcess({ env: { ...ELSEWHERE, DATABASE_URL: databaseUrl } });
  await expect
    .poll(() => server.output)
    .toMatch(/The database test_\w+ at 127\.0\.0\.1:\d+ cannot be reached yet/);

  proxy.mend();

  const door = await server.ready();
  expect(door.succeed(await door.me())).toBeNull();
});

test("a database that never comes ends the start after a while, in a sentence without its password", async () => {
  const servers = await Promise.all(
    ["127.0.0.1:1", "nowhere.invalid"].map(async (host) => {
      const DATABASE_URL = `postgresql://ada:secret@${host}/accounts`;
      return { host, server: await startProcess({ env: { ...ELSEWHERE, DATABASE_URL } }) };
    }),
  );
  for (const { host, server } of servers) {
    expect(await server.exited()).toBe(1);
    expect(server.output).toMatch(
      new RegExp(`^The database accounts at ${host} cannot be used .*\\.\n$`, "m"),
    );
    expect(server.output).not.toContain("secret");
  }
});

test("a database that refuses the password is not waited for", async () => {
  const url = new URL(await createDatabase(inject("postgresUrl")));
  url.password = "another";
  const server = await startProcess({ env: { ...ELSEWHERE, DATABASE_URL: url.href } });

  expect(await server.exited()).toBe(1);
  expect(server.output).toMatch(
    /^The database test_\w+ at \S+ cannot be used \(password authentication failed/,
  );
});

test("a worker that cannot start while the database is away leaves the others alone", async () => {
  const { proxy, databaseUrl } = await DatabaseProxy.start();
  const env = { ...ELSEWHERE, DATABASE_URL: databaseUrl, WORKERS: "2" };
  const server = await startProcess({ env });
  await server.ready();
  await expect.poll(() => server.output.match(/is ready/g)).toHaveLength(2);
  const [healthy, killed] = server.children("serve.js");

  proxy.cut();
  process.kill(killed!, "SIGKILL");
  await expect.poll(() => server.output).toContain("cannot be reached yet");
  const [replacement] = server.children("serve.js").filter((pid) => pid !== healthy);
  process.kill(replacement!, "SIGKILL"); // as if it had given up
  await expect.poll(() => server.children("serve.js").filter((pid) => pid !== replacement)).toHaveLength(2);
  expect(server.children("serve.js")).toContain(healthy);

  proxy.mend();
  const door = await server.ready();
  for (let count = 0; count < 4; count += 1) expect(door.succeed(await door.me())).toBeNull();
});

test("a server that freezes while it migrates does not keep another one from starting", async () => {
  const { env } = await externalParts();
  const orm = await connectOrm(env.DATABASE_URL, "long work");
  await orm.migrator.down();
  await orm.close();
  const gate = new pg.Client({ connectionString: env.DATABASE_URL });
  await gate.connect();
  onTestFinished(() => gate.end());
  await gate.query("begin");
  await gate.query(`lock table ${SCHEMA}.migrations in share mode`); // which keeps a migration from being noted
  const frozen = await startProcess({ env });
  onTestFinished(() => void frozen.child.kill("SIGCONT"));
  const waiting =
    "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
  await expect.poll(() => query(env.DATABASE_URL, waiting)).toHaveLength(1);

  frozen.child.kill("SIGSTOP");
  await gate.query("rollback");
  const other = await startProcess({ env });
  await expect
    .poll(() => other.output)
    .toMatch(/is being migrated by another server\. Waiting for its end\./);

  const door = await other.ready();
  expect(door.succeed(await door.me())).toBeNull();
  frozen.child.kill("SIGCONT");
  expect(await frozen.exited(), frozen.output).toBe(1);
});

test("a server whose embedded PostgreSQL has died exits with code 1", async () => {
  const server = await startProcess({ env: { DATA_DIR: await temporaryFolder() } });
  await server.ready();
  const pidFile = await readFile(join(dataLocation(server), "postmaster.pid"), "utf8");

  process.kill(Number(pidFile.split("\n", 1)[0]), "SIGKILL");

  expect(await server.exited()).toBe(1);
});

test("a data folder whose database is damaged ends the start, and says what PostgreSQL says", async () => {
  const env = { DATA_DIR: await temporaryFolder() };
  const first = await startProcess({ env });
  await first.ready();
  expect(await first.end("SIGTERM")).toBe(0);
  await truncate(join(dataLocation(first), "global", "pg_control"), 100);

  const second = await startProcess({ env });

  expect(await second.exited()).toBe(1);
  expect(second.output).toMatch(/PostgreSQL .*\n?.*postgres\.log/s);
  expect(second.output).toMatch(/pg_control|control file/);
});
