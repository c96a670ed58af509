// What guessing and flooding can reach: limits that all replicas share, which strangers cannot turn against an owner.
import { readFileSync } from "node:fs";

import pg from "pg";
import { describe, expect, test } from "vitest";

import { RATE_LIMITS } from "../../src/accounts/rules/rate-limits.ts";
import type { Answer } from "../support/graphql.ts";
import { tally } from "../support/hold-back.ts";
import { captureLog } from "../support/log.ts";
import { startProcess } from "../support/process.ts";
import { openServer, PASSWORD, startServer, type TestServer } from "../support/server.ts";

const LIMITED = { RATE_LIMITS: "on", TRUSTED_PROXIES: "127.0.0.1" };
const WRONG = "wrong horse battery";
const HOUR = 3600;
const JWT_SECRET = "a secret that two replicas share";

const limitedServer = (env: Record<string, string> = {}) => startServer({ env: { ...LIMITED, ...env } });
const replicaOf = (server: TestServer) => startServer({ databaseUrl: server.databaseUrl, env: LIMITED });

/** A client of this IP address. */
const from = (server: Pick<TestServer, "with">, address: string) =>
  server.with({ "x-forwarded-for": address });

/** The n-th client of a network for documentation (RFC 5737). */
const nth = (n: number) => `198.51.100.${n}`;

/** As registered and confirmed from other addresses than those of the test, with a device that has logged in. */
async function ownerOf(server: TestServer, username = "ada") {
  const person = await server.activePerson(username);
  const { deviceToken } = server.succeed(
    await from(server, "203.0.113.1").login({ username, password: PASSWORD }),
  );
  return { ...person, deviceToken };
}

const guess = (server: Pick<TestServer, "with">, address: string, username = "ada") =>
  from(server, address).login({ username, password: WRONG });

describe("guessing", () => {
  test("one account from 100 addresses at two replicas gets 20 guesses, and the owner's device still gets in", async () => {
    const server = await limitedServer();
    const { deviceToken } = await ownerOf(server);
    const replica = await replicaOf(server);
    const began = Date.now();

    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, n) => guess(n % 2 ? server : replica, nth(n % 100))),
    );

    const seconds = (Date.now() - began) / 1000;
    const { INVALID_CREDENTIALS: hashed, RATE_LIMITED: refused } = tally(answers);
    expect(hashed! + refused!).toBe(1000);
    expect(hashed).toBeGreaterThanOrEqual(20);
    expect(hashed).toBeLessThanOrEqual(20 + Math.log2(1 + seconds)); // one more after 1 second, then after 2, then after 4
    server.succeed(await from(replica, nth(1)).login({ username: "ada", password: PASSWORD, deviceToken }));
  });

  test("is one guess after 1 second, then one after 2, then 4, and forgotten a day after the last", async () => {
    const server = await limitedServer();
    await ownerOf(server);
    for (let n = 0; n < 20; n += 1) await guess(server, nth(n));

    for (const [round, seconds] of [1, 2, 4, 8].entries()) {
      const refused = server.refuse(await guess(server, nth(50 + round)), "RATE_LIMITED");
      expect(refused.extensions.retryAfterSeconds).toBeLessThanOrEqual(seconds);
      await server.advanceRateLimits(seconds);
      const other = await replicaOf(server); // it has not kept the refusal
      const answers = [await guess(other, nth(60 + round)), await guess(other, nth(70 + round))];
      expect(tally(answers)).toEqual({ INVALID_CREDENTIALS: 1, RATE_LIMITED: 1 });
    }

    await server.advanceRateLimits(24 * HOUR);
    const later = await replicaOf(server);
    for (let n = 0; n < 20; n += 1) later.refuse(await guess(later, nth(n)), "INVALID_CREDENTIALS");
  });

  test("many accounts from one address ends after so many guesses, and no other address is refused", async () => {
    const server = await limitedServer({ RATE_LIMITS: "password-address=12" });
    await ownerOf(server);

    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => guess(server, nth(1), `somebody-${n}`)),
    );

    expect(tally(answers)).toEqual({ INVALID_CREDENTIALS: 12, RATE_LIMITED: 8 });
    server.succeed(await from(server, nth(2)).login({ username: "ada", password: PASSWORD }));
  });

  test("counts an account and a name that nobody has alike, and does not tell whose an email address is", async () => {
    const server = await limitedServer();
    await ownerOf(server);

    const tries = async (...names: string[]) =>
      tally(
        await Promise.all(
          Array.from({ length: 30 }, (_, n) => guess(server, nth(n), names[n % names.length])),
        ),
      );

    expect(await tries("ada", "ADA", "Ada")).toEqual({ INVALID_CREDENTIALS: 20, RATE_LIMITED: 10 });
    expect(await tries("nobody", "NOBODY", "Nobody")).toEqual({ INVALID_CREDENTIALS: 20, RATE_LIMITED: 10 });
    server.refuse(await guess(server, nth(99), "ada@example.com"), "INVALID_CREDENTIALS");
  });

  test("a name that is the ID of a user does not count for that user", async () => {
    const server = await limitedServer();
    const { accessToken, id } = await ownerOf(server);
    const newEmail = "ada@example.org";
    server.succeed(await server.as(accessToken).requestEmailChange({ newEmail, password: PASSWORD }));
    const token = await server.emailChangeToken(newEmail);
    await Promise.all(Array.from({ length: 30 }, (_, n) => guess(server, nth(n), id)));

    server.succeed(await from(server, nth(99)).finalizeEmailChange({ token, password: PASSWORD }));
  });

  test("counts all addresses of an IPv6 network as one, and an IPv4 address in IPv6 as itself", async () => {
    const server = await limitedServer();
    await ownerOf(server);

    const network = Array.from({ length: 15 }, (_, n) => guess(server, `2001:db8:0:1::${n.toString(16)}`));
    expect(tally(await Promise.all(network))).toEqual({ INVALID_CREDENTIALS: 10, RATE_LIMITED: 5 });
    server.refuse(await guess(server, "2001:db8:0:2::1"), "INVALID_CREDENTIALS");

    const names = Array.from({ length: 15 }, (_, n) =>
      guess(server, n % 2 ? nth(9) : `::ffff:${nth(9)}`, "eve"),
    );
    expect(tally(await Promise.all(names))).toEqual({ INVALID_CREDENTIALS: 10, RATE_LIMITED: 5 });
  });

  test("cannot name an address that no trusted proxy has seen", async () => {
    const server = await startServer({ env: { RATE_LIMITS: "on" } });
    await server.activePerson("ada");

    const answers = await Promise.all(Array.from({ length: 30 }, (_, n) => guess(server, nth(n))));

    expect(tally(answers)).toEqual({ INVALID_CREDENTIALS: 10, RATE_LIMITED: 20 });
  });

  test("does not count logins that succeed", async () => {
    const server = await limitedServer();
    await ownerOf(server);

    for (let n = 0; n < 12; n += 1)
      server.succeed(await from(server, nth(1)).login({ username: "ada", password: PASSWORD }));
  });

  test("does not count logins that succeed, for other servers neither, nor after a stop", async () => {
    const server = await limitedServer();
    const counted = "select 1 from accounts.rate_limits where count > 0";
    await server.activePerson("ada");
    await server.query("truncate accounts.rate_limits");
    const login = (door: TestServer, n: number) =>
      from(door, nth(n)).login({ username: "ada", password: PASSWORD });

    server.succeed(await login(server, 1));
    await expect.poll(() => server.query(counted), { timeout: 10_000 }).toEqual([]);

    const replica = await openServer({ databaseUrl: server.databaseUrl, env: LIMITED });
    await Promise.all([1, 1, 2].map((n) => login(replica.server, n)));
    await replica.stop();
    expect(await server.query(counted)).toEqual([]);
  });

  test("with a stolen access token is limited for its session alone", async () => {
    const server = await limitedServer();
    const { accessToken } = await ownerOf(server);
    const other = server.succeed(await server.login({ username: "ada", password: PASSWORD }));

    const thief = from(server.as(accessToken), nth(1));
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => thief.deleteAccount({ password: WRONG })),
    );

    expect(tally(answers)).toEqual({ INVALID_CREDENTIALS: 10, RATE_LIMITED: 20 });
    server.succeed(await server.as(other.accessToken).exportAccount({ password: PASSWORD }));
  });

  test("from the owner's own device is limited, too, and its mark is good for no other account", async () => {
    const server = await limitedServer();
    const { deviceToken } = await ownerOf(server);
    await ownerOf(server, "eve");
    const tries = async (username: string, address: (n: number) => string) =>
      tally(
        await Promise.all(
          Array.from({ length: 30 }, (_, n) =>
            from(server, address(n)).login({ username, password: WRONG, deviceToken }),
          ),
        ),
      );

    expect(await tries("ada", (n) => nth(n))).toEqual({ INVALID_CREDENTIALS: 10, RATE_LIMITED: 20 });
    expect(await tries("eve", (n) => nth(n))).toEqual({ INVALID_CREDENTIALS: 20, RATE_LIMITED: 10 });
  });

  test("leaves one row a minute in the audit trail", async () => {
    const server = await limitedServer();
    const { accessToken } = await ownerOf(server);

    await Promise.all(Array.from({ length: 60 }, (_, n) => guess(server, nth(n))));

    const { edges } = server.succeed(await server.as(accessToken).recentActivity({ first: 100 }));
    expect(edges.filter(({ node }) => node.type === "RATE_LIMITED")).toHaveLength(1);
  });
});

describe("a refusal", () => {
  test("says how long to wait, in words, in the extensions and in the header", async () => {
    const server = await limitedServer({ RATE_LIMITS: "password-address=2" });
    for (let n = 0; n < 2; n += 1) await guess(server, nth(1), `somebody-${n}`);

    const answer = await guess(server, nth(1), "yet another");

    const { message, extensions } = server.refuse(answer, "RATE_LIMITED");
    expect(message).toMatch(/^There were too many wrong passwords\. Try again in 15 minutes\.$/);
    expect(extensions.retryAfterSeconds).toBeGreaterThan(14 * 60);
    expect(answer.headers.get("retry-after")).toBe(String(extensions.retryAfterSeconds));
    expect(answer.status).toBe(200);
  });

  test("says the same for an account and a name that nobody has", async () => {
    const server = await limitedServer({ HIDE_ACCOUNT_EXISTENCE: "true" });
    await ownerOf(server);
    const refusalOf = async (username: string) => {
      for (let n = 0; n < 20; n += 1) await guess(server, nth(n), username);
      return (await guess(server, nth(30), username)).text;
    };

    expect(await refusalOf("ada")).toBe(await refusalOf("nobody"));
  });
});

describe("emails on request", () => {
  test("to one address are 5 an hour, whatever asks for them and at whichever replica", async () => {
    const server = await limitedServer();
    await server.registerPerson("ada");
    await server.mailsSettled();
    const replica = await replicaOf(server);

    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => {
        const door = from(n % 2 ? server : replica, nth(n % 50));
        return n % 3
          ? door.resendRegistration({ email: "ada@example.com" })
          : door.requestReset({ email: "ADA@example.com" });
      }),
    );

    const { RATE_LIMITED: refused, ...others } = tally(answers);
    expect(refused).toBe(96);
    expect(Object.values(others).reduce((sum, count) => sum + count, 0)).toBe(4); // the registration was the first
    await server.advanceRateLimits(HOUR);
    const later = await replicaOf(server);
    later.succeed(await later.resendRegistration({ email: "ada@example.com" }));
  });

  test("100 requests to an address send 5", async () => {
    const server = await limitedServer();
    const { email } = await server.activePerson("ada");
    await server.query("truncate accounts.rate_limits");

    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => from(server, nth(n)).requestReset({ email })),
    );

    expect(tally(answers)).toEqual({ done: 5, RATE_LIMITED: 95 });
    await server.mailsSettled();
    expect(server.subjectsTo(email).filter((subject) => /reset/i.test(subject!))).toHaveLength(5);
  });

  test("to strangers are limited for a user who changes the email address", async () => {
    const server = await limitedServer();
    const { accessToken } = await ownerOf(server);
    const change = (n: number) =>
      from(server.as(accessToken), nth(1)).requestEmailChange({
        newEmail: `stranger-${n}@example.com`,
        password: PASSWORD,
      });

    const codes = [];
    for (let n = 0; n < 40; n += 1) codes.push(await change(n));

    expect(tally(codes)).toEqual({ done: 30, RATE_LIMITED: 10 });
  });

  test("are 30 an hour from one address", async () => {
    const server = await limitedServer();

    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        from(server, nth(1)).requestReset({ email: `somebody-${n}@example.com` }),
      ),
    );

    expect(tally(answers)).toEqual({ EMAIL_NOT_FOUND: 30, RATE_LIMITED: 20 });
  });

  test("of all together stop at mail-total", async () => {
    const server = await limitedServer({ RATE_LIMITS: "mail-total=3" });
    const ask = (n: number) => from(server, nth(n)).requestReset({ email: `somebody-${n}@example.com` });
    for (let n = 0; n < 3; n += 1) await ask(n);

    server.refuse(await ask(3), "RATE_LIMITED");
  });
});

test("a replica that is killed takes nothing back of what was counted", async () => {
  const server = await limitedServer({ JWT_SECRET });
  const { email, deviceToken } = await ownerOf(server);
  await server.query("truncate accounts.rate_limits");
  const replica = await startProcess({
    env: {
      ...LIMITED,
      JWT_SECRET,
      DATABASE_URL: server.databaseUrl,
      MAIL_SERVER: "127.0.0.1",
      MAIL_PORT: String(server.smtp.port),
    },
  });
  const door = await replica.ready();
  const firstRefusal = (answers: readonly Promise<Answer<unknown>>[]) =>
    Promise.any(answers.map(async (answer) => server.refuse(await answer, "RATE_LIMITED")));

  const guesses = Array.from({ length: 100 }, (_, n) => guess(door, nth(n)));
  const mails = Array.from({ length: 20 }, (_, n) => from(door, nth(100 + n)).requestReset({ email }));
  await Promise.all([firstRefusal(guesses), firstRefusal(mails)]);
  await replica.end("SIGKILL");
  await Promise.allSettled([...guesses, ...mails]);
  expect(replica.output).not.toContain("Error");

  const later = tally(await Promise.all(Array.from({ length: 10 }, (_, n) => guess(server, nth(200 + n)))));
  expect(later["RATE_LIMITED"]).toBeGreaterThanOrEqual(9); // one, if a second has passed since
  server.refuse(await from(server, nth(250)).requestReset({ email }), "RATE_LIMITED");
  server.succeed(await from(server, nth(1)).login({ username: "ada", password: PASSWORD, deviceToken }));
  const resets = "select id from accounts_queue.job where name = 'mail' and data ->> 'mail' = 'reset'";
  expect((await server.query(resets)).length).toBeLessThanOrEqual(5);
});

describe("registrations", () => {
  test("from one address are limited, and refused before the password is hashed", async () => {
    const server = await limitedServer({ RATE_LIMITS: "register-address=5" });
    const register = (n: number, address: string) =>
      from(server, address).register({
        username: `somebody-${n}`,
        email: `somebody-${n}@example.com`,
        password: PASSWORD,
      });

    const answers = await Promise.all(Array.from({ length: 15 }, (_, n) => register(n, nth(1))));

    expect(tally(answers)).toEqual({ done: 5, RATE_LIMITED: 10 });
    server.succeed(await register(100, nth(2)));
  });
});

describe("when the table of limits does not answer", () => {
  test("logins go on under limits that each server counts by itself", { timeout: 120_000 }, async () => {
    const server = await limitedServer();
    const { deviceToken } = await ownerOf(server);
    const lock = new pg.Client({ connectionString: server.databaseUrl });
    await lock.connect();
    await lock.query("begin; lock table accounts.rate_limits in access exclusive mode");

    const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => guess(server, nth(n))));
    const login = await from(server, nth(1)).login({ username: "ada", password: PASSWORD, deviceToken });

    await lock.end();
    expect(tally(answers)).toEqual({ INVALID_CREDENTIALS: 20, RATE_LIMITED: 40 });
    server.succeed(login);
  });
});

test("a proxy that nobody has named is told to the operator once", async () => {
  const log = captureLog();
  const server = await startServer({ env: { LOG_LEVEL: "warn" } });

  for (let n = 0; n < 3; n += 1) await guess(server, nth(n));

  expect(await log.lines(/TRUSTED_PROXIES is not set/)).toHaveLength(1);
});

test("the table holds no name and no address", async () => {
  const server = await limitedServer();
  await guess(server, nth(1), "somebody");

  const rows = await server.query<{ key: Buffer }>("select key from accounts.rate_limits");

  expect(rows.length).toBeGreaterThan(0);
  for (const { key } of rows) expect(key.toString("latin1")).not.toMatch(/somebody|198\.51/);
});

test("RATE_LIMITS=off refuses nothing", async () => {
  const server = await startServer({ env: { RATE_LIMITS: "off" } });

  const answers = await Promise.all(Array.from({ length: 30 }, () => guess(server, nth(1))));

  expect(tally(answers)).toEqual({ INVALID_CREDENTIALS: 30 });
});

test("docs/security.md has the figures of the limits", () => {
  const documented = readFileSync("docs/security.md", "utf8").matchAll(
    /^\| `([a-z-]+)` +\|[^|]*\| +([\d,]+) \|/gm,
  );

  expect(
    Object.fromEntries([...documented].map(([, name, max]) => [name, Number(max!.replaceAll(",", ""))])),
  ).toEqual(Object.fromEntries(Object.entries(RATE_LIMITS).map(([name, { max }]) => [name, max])));
});
