// The audit trail cannot be turned against its owner: what anybody can repeat does not fill it.
import { describe, expect, test } from "vitest";

import { DAY, PASSWORD, startServer, type TestServer } from "../support/server.ts";

const HOUR = DAY / 24;
const TOO_LONG = "x".repeat(129);

interface Row {
  type: string;
  count: number;
  user_id: string | null;
  address: string | null;
}

const rows = (server: TestServer, type: string) =>
  server.query<Row>("select * from accounts.account_events where type = $1 order by id", [type]);

const failLogin = async (server: Pick<TestServer, "login" | "refuse">, username: string) =>
  server.refuse(await server.login({ username, password: "wrong horse" }), "INVALID_CREDENTIALS");

const together = (count: number, begin: () => Promise<unknown>) =>
  Promise.all(Array.from({ length: count }, begin));

describe("a password that is too long for anybody to have is refused, and leaves nothing,", () => {
  test.each(["ada", "ada@example.com", "nobody"])("at a login of %s", async (username) => {
    const server = await startServer();
    await server.activePerson("ada");
    const events = await server.query("select id from accounts.account_events");

    const answers = await Promise.all(
      Array.from({ length: 100 }, () => server.login({ username, password: TOO_LONG })),
    );

    for (const answer of answers) server.refuse(answer, "INVALID_CREDENTIALS");
    expect(await server.query("select id from accounts.account_events")).toEqual(events);
  });

  test("where a user who is logged in confirms it", async () => {
    const server = await startServer();
    const { accessToken } = await server.activePerson("ada");
    server.refuse(await server.as(accessToken).exportAccount({ password: TOO_LONG }), "INVALID_CREDENTIALS");
    expect(await rows(server, "PASSWORD_REFUSED")).toEqual([]);
  });
});

describe("what is repeated within an hour is counted in one row:", () => {
  test("failed logins, also when they come side by side", async () => {
    const server = await startServer();
    const { id, accessToken } = await server.activePerson("ada");
    server.freezeAt(new Date(Math.ceil(Date.now() / HOUR) * HOUR));
    await failLogin(server, "ada");
    server.freezeAt(new Date(Math.ceil(Date.now() / HOUR) * HOUR + HOUR / 2));

    await together(49, () => failLogin(server, "ada@example.com"));

    expect(await rows(server, "LOGIN_FAILED")).toMatchObject([{ user_id: id, count: 50 }]);
    const { accessToken: later } = server.succeed(
      await server.login({ username: "ada", password: PASSWORD }),
    );
    expect(later).not.toBe(accessToken);
    const { edges } = server.succeed(await server.as(later).recentActivity());
    const { occurredAt, lastOccurredAt } = edges.find(({ node }) => node.type === "LOGIN_FAILED")!.node;
    expect(Date.parse(lastOccurredAt) - Date.parse(occurredAt)).toBe(HOUR / 2);
  });

  test("failed logins by names that nobody has", async () => {
    const server = await startServer();
    let count = 0;
    await together(20, () => failLogin(server, `nobody-${(count += 1)}`));
    expect(await rows(server, "LOGIN_FAILED")).toMatchObject([{ user_id: null, count: 20 }]);
  });

  test("wrong passwords of a user who is logged in, and exports", async () => {
    const server = await startServer();
    const ada = server.as((await server.activePerson("ada")).accessToken);
    for (let count = 0; count < 3; count += 1) {
      server.refuse(await ada.exportAccount({ password: "wrong horse" }), "INVALID_CREDENTIALS");
      server.succeed(await ada.exportAccount({ password: PASSWORD }));
    }
    expect(await rows(server, "PASSWORD_REFUSED")).toMatchObject([{ count: 3 }]);
    expect(await rows(server, "EXPORTED")).toMatchObject([{ count: 3 }]);
  });

  test.each(["true", "false"])(
    "requests for emails, with HIDE_ACCOUNT_EXISTENCE=%s",
    async (HIDE_ACCOUNT_EXISTENCE) => {
      const server = await startServer({ env: { HIDE_ACCOUNT_EXISTENCE } });
      await server.activePerson("ada");
      await server.registerPerson("pending");
      for (let count = 0; count < 3; count += 1) {
        server.succeed(await server.requestReset({ email: "ada@example.com" }));
        server.succeed(await server.resendRegistration({ email: "pending@example.com" }));
        if (HIDE_ACCOUNT_EXISTENCE === "true")
          server.succeed(await server.requestReset({ email: `nobody-${count}@example.com` }));
      }
      const unknown = HIDE_ACCOUNT_EXISTENCE === "true" ? [{ user_id: null, count: 3 }] : [];
      expect(await rows(server, "RESET_REQUESTED")).toMatchObject([{ count: 3 }, ...unknown]);
      expect(await rows(server, "CONFIRMATION_REQUESTED")).toMatchObject([{ count: 3 }]);
    },
  );
});

describe("what is not the same has a row of its own:", () => {
  test("another account, another client, another hour", async () => {
    const server = await startServer({ env: { TRUSTED_PROXIES: "127.0.0.1" } });
    const from = (address: string) => server.with({ "x-forwarded-for": address });
    const ada = await server.activePerson("ada");
    const grace = await server.activePerson("grace");

    await failLogin(from("203.0.113.7"), "ada");
    await failLogin(from("203.0.113.7"), "grace");
    await failLogin(from("203.0.113.8"), "ada");
    await failLogin(from("2001:db8:0:1::1"), "ada");
    await failLogin(from("2001:db8:0:1:ffff::2"), "ada");
    await failLogin(from("2001:db8:0:2::1"), "ada");
    server.advance(HOUR);
    await failLogin(from("203.0.113.7"), "ada");

    const of = ({ id }: { id: string }, address: string, count = 1) => ({ user_id: id, address, count });
    expect(await rows(server, "LOGIN_FAILED")).toMatchObject([
      of(ada, "203.0.113.7"),
      of(grace, "203.0.113.7"),
      of(ada, "203.0.113.8"),
      of(ada, "2001:db8:0:1::1", 2),
      of(ada, "2001:db8:0:2::1"),
      of(ada, "203.0.113.7"),
    ]);
  });

  test("every login that succeeds", async () => {
    const server = await startServer();
    await server.activePerson("ada");
    for (let count = 0; count < 3; count += 1)
      server.succeed(await server.login({ username: "ada", password: PASSWORD }));
    expect(await rows(server, "LOGGED_IN")).toMatchObject([{ count: 1 }, { count: 1 }, { count: 1 }]);
  });
});

describe("what a client says of itself", () => {
  test("is stored without control characters, and no longer than anybody reads", async () => {
    const server = await startServer();
    await failLogin(server.with({ "user-agent": `a\tb\u0085c${"x".repeat(3000)}` }), "ada");
    const [row] = await rows(server, "LOGIN_FAILED");
    expect(row).toMatchObject({ user_agent: `abc${"x".repeat(253)}` });
  });
});
