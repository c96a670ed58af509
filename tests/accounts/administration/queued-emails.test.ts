// What administrators see of emails that are not sent, and what they decide about them.
import { beforeAll, describe, expect, test } from "vitest";

import { tally, whileHeld } from "../../support/hold-back.ts";
import type { Output } from "../../support/graphql.ts";
import { sharedServer, startServer, type ActivePerson, type TestServer } from "../../support/server.ts";

/** A server whose SMTP server refuses all emails but those to administrators. */
async function refusingServer(): Promise<{ server: TestServer; root: ActivePerson }> {
  const server = await startServer();
  const root = await server.admin();
  server.smtp.refusal = ({ recipients: [to] }) => (to === root.email ? null : "554 5.7.1 blocked");
  return { server, root };
}

async function emails(
  server: TestServer,
  { accessToken }: ActivePerson,
  args: object = {},
): Promise<Output<"QueuedEmail">[]> {
  const { edges } = server.succeed(await server.as(accessToken).queuedEmails(args));
  return edges.map(({ node }) => node);
}

/** Registers somebody whose email the SMTP server refuses. */
async function failedEmail(
  server: TestServer,
  root: ActivePerson,
  name: string,
): Promise<Output<"QueuedEmail">> {
  await server.registerPerson(name);
  const failed = async () =>
    (await emails(server, root, { state: "FAILED" })).find(({ user }) => user?.username === name);
  await expect.poll(failed).toBeDefined();
  return (await failed())!;
}

/** Puts emails to nobody in the queue, which no worker takes: one a millisecond, or many in the same. */
async function addEmails(server: TestServer, count: number, state = "created"): Promise<void> {
  await server.query(
    `insert into accounts_queue.job (name, data, state, created_on, start_after)
     select 'mail', jsonb_build_object('mail', 'reset', 'userId', gen_random_uuid(), 'credentialVersion', 1, 'requestedAt', now()),
       $2::accounts_queue.job_state, timestamptz '2026-01-01' + (n / 3) * interval '1 millisecond', now() + interval '1 day'
     from generate_series(1, $1::int) as n`,
    [count, state],
  );
}

describe("an administrator", () => {
  test("sees which email was refused, whom it is about and why, and never its text, link or token", async () => {
    const { server, root } = await refusingServer();
    const failed = await failedEmail(server, root, "ada");
    expect(failed).toMatchObject({
      kind: "registration",
      state: "FAILED",
      user: { username: "ada", email: "ada@example.com", isActive: false },
      nextAttemptAt: null,
      attempts: 1,
    });
    expect(failed.lastError).toMatch(/EMESSAGE DATA 554 5\.7\.1$/);
    expect(failed.lastError).not.toContain("blocked");
    expect(JSON.stringify(failed)).not.toMatch(/token|http|credential/i);
    expect(server.succeed(await server.as(root.accessToken).queuedEmailCounts())).toMatchObject({
      waiting: 0,
      sending: 0,
      retrying: 0,
      failed: 1,
    });
    // Without a state, what is done is left out.
    expect(await emails(server, root)).toEqual([failed]);
    expect((await emails(server, root, { state: "DONE" })).map(({ kind }) => kind)).toEqual(["registration"]);
  });

  test("sends it again, once what kept it from being sent is mended", async () => {
    const { server, root } = await refusingServer();
    const { id } = await failedEmail(server, root, "ada");
    server.smtp.refusal = null;
    const retried = server.succeed(await server.as(root.accessToken).retryEmail({ id }));
    expect(retried).toMatchObject({ id, state: "RETRYING" });
    await server.smtp.mailTo("ada@example.com");
    await server.mailsSettled();
    const again = server.refuse(await server.as(root.accessToken).retryEmail({ id }), "NOT_FOUND");
    expect(again.message).toMatch(/is done\. Only one that is failed or retrying can be retried/);
  });

  test("discards it, and nobody gets it", async () => {
    const { server, root } = await refusingServer();
    const { id } = await failedEmail(server, root, "ada");
    server.smtp.refusal = null;
    const discarded = server.succeed(await server.as(root.accessToken).discardEmail({ id }));
    expect(discarded).toMatchObject({ id, state: "FAILED", user: { username: "ada" } });
    server.refuse(await server.as(root.accessToken).discardEmail({ id }), "NOT_FOUND");
    server.refuse(await server.as(root.accessToken).retryEmail({ id }), "NOT_FOUND");
    expect(await emails(server, root)).toEqual([]);
    await server.mailsSettled();
    expect(server.smtp.received.flatMap(({ recipients }) => recipients)).not.toContain("ada@example.com");
  });

  test("decides about an email whose account is gone", async () => {
    const { server, root } = await refusingServer();
    for (const [name, operation] of [
      ["ada", "retryEmail"],
      ["eve", "discardEmail"],
    ] as const) {
      const { id } = await failedEmail(server, root, name);
      await server.query("delete from accounts.users where username = $1", [name]);
      expect(await emails(server, root)).toMatchObject([{ id, user: null }]);
      const decided = server.succeed(await server.as(root.accessToken)[operation]({ id }));
      expect(decided).toMatchObject({ id, user: null });
      await server.mailsSettled();
    }
  });

  test("cannot take an email out of the hand of a server", async () => {
    const server = await startServer();
    const root = await server.admin();
    const { taken, release } = server.smtp.hold();
    await server.registerPerson("ada");
    await taken;
    const [{ id }] = (await emails(server, root, { state: "SENDING" })) as [Output<"QueuedEmail">];
    for (const operation of ["retryEmail", "discardEmail"] as const)
      server.refuse(await server.as(root.accessToken)[operation]({ id }), "NOT_FOUND");
    release();
    await server.smtp.mailTo("ada@example.com");
  });

  test("discards it once, if two do it at once", async () => {
    const { server, root } = await refusingServer();
    const { id, user } = await failedEmail(server, root, "ada");
    const discard = () => server.as(root.accessToken).discardEmail({ id });
    const answers = await whileHeld(
      server,
      `select from accounts.users where id = '${user!.id}' for update`,
      discard,
      discard,
    );
    expect(tally(answers)).toEqual({ done: 1, NOT_FOUND: 1 });
  });
});

describe("the list", () => {
  const shared = sharedServer();
  let root: ActivePerson;
  beforeAll(async () => {
    root = await shared().admin();
  });

  test("comes page by page, oldest first, and misses none of those that were requested in the same moment", async () => {
    const server = shared();
    await addEmails(server, 250);
    await addEmails(server, 10, "failed");
    const stored = await server.query<{ id: string }>(
      `select id from accounts_queue.job where name = 'mail' and state <> 'completed' order by created_on, id`,
    );
    const found: string[] = [];
    let page: Output<"QueuedEmailConnection"> | undefined;
    while (page?.pageInfo.hasNextPage !== false) {
      const args = { first: 30, after: page?.pageInfo.endCursor };
      page = server.succeed(await server.as(root.accessToken).queuedEmails(args));
      found.push(...page.edges.map(({ node }) => node.id));
    }
    expect(found).toEqual(stored.map(({ id }) => id));
    expect(await emails(server, root, { state: "FAILED", first: 100 })).toHaveLength(10);
    expect(server.succeed(await server.as(root.accessToken).queuedEmailCounts())).toMatchObject({
      waiting: 250,
      failed: 10,
    });
  });

  test.each([
    ["a text", "x"],
    ["another list's cursor", Buffer.from(JSON.stringify(["7"])).toString("base64url")],
    ["a day that is none", ["2026-02-30T00:00:00.000000Z", "00000000-0000-4000-8000-000000000000"]],
    [
      "a time that PostgreSQL does not know",
      ["9999-99-99T00:00:00.000000Z", "00000000-0000-4000-8000-000000000000"],
    ],
    ["an id that is none", ["2026-02-03T00:00:00.000000Z", "1"]],
    ["one value", ["2026-02-03T00:00:00.000000Z"]],
    ["three values", ["2026-02-03T00:00:00.000000Z", "00000000-0000-4000-8000-000000000000", "x"]],
  ])("refuses a cursor that is %s", async (_what, cursor) => {
    const server = shared();
    const after =
      typeof cursor === "string" ? cursor : Buffer.from(JSON.stringify(cursor)).toString("base64url");
    const refused = server.refuse(
      await server.as(root.accessToken).queuedEmails({ after }),
      "BAD_USER_INPUT",
    );
    expect(refused.extensions.fields).toMatchObject([{ field: "after" }]);
  });
});

test("an error of the server itself is told as plain text of a bounded length", async () => {
  const server = await startServer();
  const root = await server.admin();
  await addEmails(server, 1, "failed");
  await server.query("update accounts_queue.job set output = $1 where state = 'failed'", [
    {
      message: `<b>a\u0000\u001b[31m\r\n${"x".repeat(1_000)}`.replace("\u0000", ""),
      kind: "deferred",
      deferrals: 1,
      unsure: 0,
    },
  ]);
  const [email] = await emails(server, root);
  expect(email!.lastError).toMatch(/^<b>a \[31m x+$/);
  expect(email!.lastError).toHaveLength(300);
});
