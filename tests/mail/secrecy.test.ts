// What is kept of mails: never a token, a link or a password, whatever the SMTP server says of them.
import { describe, expect, test } from "vitest";

import { captureLog } from "../support/log.ts";
import { PASSWORD, startServer, type TestServer } from "../support/server.ts";
import { linkIn, tokenIn, type ReceivedMail } from "../support/smtp.ts";

const NOT_SENT = /email not sent, will try again|email failed/;

describe("no secret is kept", () => {
  const NEW_PASSWORD = "a new battery staple";

  /** Every row of every table of ours, as text. */
  async function dump(server: TestServer): Promise<string> {
    const tables = await server.query<{ name: string }>(
      "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('accounts', 'accounts_queue')",
    );
    const texts = [];
    for (const { name } of tables)
      for (const { row } of await server.query<{ row: string }>(
        `select each::text as row from ${name} as each`,
      ))
        texts.push(row);
    return texts.join("\n");
  }

  const secretsOf = (mails: readonly ReceivedMail[]) =>
    mails
      .filter(({ mail }) => mail.text?.includes("token="))
      .flatMap((mail) => [linkIn(mail), tokenIn(mail), tokenIn(mail).split(".")[2]!]);

  test("in any table or in the log: no token, no link, no password", async () => {
    const log = captureLog();
    const server = await startServer({ env: { LOG_LEVEL: "debug" } });
    const { accessToken } = await server.activePerson("ada");
    const token = await server.askForReset("ada@example.com");
    const whileRequested = await dump(server);
    const reset = server.succeed(await server.finalizeReset({ token, password: NEW_PASSWORD }));
    server.succeed(await server.login({ username: "ada", password: NEW_PASSWORD }));
    await server.mailsSettled();

    const kept = [whileRequested, await dump(server), log.text].join("\n");
    expect(kept).toContain("ada@example.com");
    const mailed = secretsOf(server.smtp.received);
    expect(mailed).toHaveLength(6);
    for (const secret of [
      ...mailed,
      PASSWORD,
      NEW_PASSWORD,
      accessToken,
      reset.accessToken,
      "token=",
      "http",
    ])
      expect(kept).not.toContain(secret);
  });

  test.each(["554 5.7.1 blocked", "450 no"])(
    "though the SMTP server refuses the mail with `%s` and quotes its link and text",
    async (refusal) => {
      const log = captureLog();
      const server = await startServer({ env: { LOG_LEVEL: "debug" } });
      server.smtp.refusal = (mail) => `${refusal} <${linkIn(mail)}> ${tokenIn(mail)}`;
      await server.registerPerson("ada");
      await server.smtp.refusals(1);
      await log.lines(NOT_SENT);
      const outputs = () =>
        server.query("select output from accounts_queue.job where name = 'mail' and output is not null");
      await expect.poll(outputs).toHaveLength(1);
      expect(JSON.stringify(await outputs()), "an operator sees why").toContain(refusal.slice(0, 3));
      const whileRefused = await dump(server);
      server.smtp.refusal = null;
      // A mail that is refused for good is not sent again by itself.
      server.succeed(await server.resendRegistration({ email: "ada@example.com" }));
      await server.confirmationToken("ada@example.com");

      expect(log.text).toContain(refusal.slice(0, 3));
      const kept = [whileRefused, await dump(server), log.text].join("\n");
      const mailed = secretsOf([...server.smtp.refusedMails, ...server.smtp.received]);
      expect(mailed.length).toBeGreaterThanOrEqual(6);
      for (const secret of [...mailed, PASSWORD, "token=", "http"]) expect(kept).not.toContain(secret);
    },
  );
});
