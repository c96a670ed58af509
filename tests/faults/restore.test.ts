// The database is lost and restored from a backup, as docs/operations.md says.
import { join } from "node:path";

import { expect, inject, test } from "vitest";

import { createDatabase, query } from "../support/postgres.ts";
import { startProcess } from "../support/process.ts";
import { PASSWORD, startServer } from "../support/server.ts";
import { folderOfPostgres, hasSystemPostgres, run, SystemPostgres } from "../support/system-postgres.ts";

/** Runs `npm run account -- ...` on a database; returns what it printed. */
async function account(databaseUrl: string, ...args: string[]): Promise<string> {
  const command = await startProcess({
    script: "dist/bin/account.js",
    args,
    env: { DATABASE_URL: databaseUrl },
  });
  const code = await command.exited();
  return code === 0 ? command.output : `exit code ${code}: ${command.output}`;
}

test.skipIf(!hasSystemPostgres)(
  "after a restore nothing that was ended, used or sent since the backup is so again (needs pg_dump)",
  async () => {
    const postgres = await SystemPostgres.start();
    await query(postgres.url("postgres"), "create database live");
    const server = await startServer({ databaseUrl: postgres.url("live") });
    const ada = await server.activePerson("ada");
    const phone = server.succeed(await server.login(ada));
    const bob = await server.activePerson("bob");
    const resetToken = await server.askForReset(ada.email);
    server.smtp.refusal = "451 4.3.0 later";
    server.succeed(await server.requestReset({ email: bob.email }));
    const waiting = "select id from accounts_queue.job where name = 'mail' and state = 'retry'";
    await expect.poll(() => server.query(waiting)).toHaveLength(1);
    const [held] = await server.query<{ id: string }>(waiting);

    const backup = join(folderOfPostgres(), "backup");
    run("pg_dump", [
      "--format=custom",
      "--schema=accounts",
      "--schema=accounts_queue",
      `--file=${backup}`,
      postgres.url("live"),
    ]);

    server.smtp.refusal = null;
    await server.resetToken(bob.email);
    server.succeed(await server.finalizeReset({ token: resetToken, password: "since the backup" }));
    server.refuse(await server.as(phone.accessToken).me(), "UNAUTHENTICATED");
    await server.activePerson("eve");

    await query(postgres.url("postgres"), "create database restored");
    const restored = postgres.url("restored");
    run("pg_restore", [`--dbname=${restored}`, backup]);
    const sentence =
      /^Sessions that have ended: (\d+); accounts whose links are void: 2; emails that wait for your decision \(mail list\): (\d+)\.\n$/;
    expect(sentence.exec(await account(restored, "after-restore"))?.slice(1)).toEqual(["3", "1"]);
    expect(sentence.exec(await account(restored, "after-restore"))?.slice(1)).toEqual(["0", "0"]);

    const again = await startServer({ databaseUrl: restored });
    for (const { accessToken, refreshToken } of [ada, bob, phone]) {
      again.refuse(await again.as(accessToken).me(), "UNAUTHENTICATED");
      again.refuse(await again.refreshSession({ refreshToken: refreshToken! }), "INVALID_TOKEN");
    }
    again.refuse(await again.finalizeReset({ token: resetToken, password: "used again" }), "INVALID_TOKEN");
    const { accessToken } = again.succeed(await again.login({ username: "ada", password: PASSWORD }));
    again.refuse(await again.login({ username: "eve", password: PASSWORD }), "INVALID_CREDENTIALS");
    const { edges } = again.succeed(await again.as(accessToken).recentActivity());
    expect(edges.map(({ node }) => node)).toContainEqual(
      expect.objectContaining({ type: "RESTORED_FROM_BACKUP", actor: "OPERATOR" }),
    );

    await again.askForReset(ada.email);
    expect(again.subjectsTo(bob.email), "what had been sent is not sent again by itself").toEqual([]);
    const list = await account(restored, "mail", "list", "--state", "failed");
    expect(list).toContain(held!.id);
    expect(list).toContain("it may have been sent since the backup");
    await account(restored, "mail", "retry", held!.id);
    const token = await again.resetToken(bob.email);
    again.succeed(await again.finalizeReset({ token, password: "decided by the operator" }));
    expect(await account(restored, "verify")).toMatch(/^(\d+) of \1 hold\.$/m);
  },
);

test("after-restore is refused while a server uses the database, and changes nothing then", async () => {
  const databaseUrl = await createDatabase(inject("postgresUrl"));
  const server = await startServer({ databaseUrl });
  const { accessToken } = await server.activePerson("ada");

  expect(await account(databaseUrl, "after-restore")).toBe(
    "exit code 1: A server uses this database and may be sending emails again. Stop all servers, and run after-restore before " +
      "they start.\n",
  );

  server.succeed(await server.as(accessToken).me());
});
