// While a deployment is under way, servers of two versions take mails off one queue.
import { PgBoss } from "pg-boss";
import { expect, onTestFinished, test } from "vitest";

import { startServer } from "../../support/server.ts";

test("a mail that only a newer version knows returns to the queue, and nothing is sent in its place", async () => {
  const server = await startServer();
  const { id } = await server.activePerson("ada");
  await server.mailsSettled();
  const sent = server.smtp.received.length;
  const boss = new PgBoss({ connectionString: server.databaseUrl, schema: "accounts_queue", migrate: false });
  boss.on("error", () => undefined);
  await boss.start();
  onTestFinished(() => boss.stop({ graceful: false }));

  const job = {
    mail: "constructor",
    userId: id,
    credentialVersion: 2,
    requestedAt: new Date().toISOString(),
  };
  const jobId = await boss.send("mail", job);

  const row = async () =>
    (await server.query("select state, output from accounts_queue.job where id = $1", [jobId]))[0];
  await expect.poll(row).toMatchObject({
    state: "retry",
    output: { message: expect.stringContaining('"constructor"') as string },
  });
  expect(server.smtp.received).toHaveLength(sent);
});
