// Passwords known from data breaches are refused, offline by PASSWORD_FILTER and online by PASSWORD_RANGE_URL; neither tells
// anybody the password, and neither can stop people from registering.
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, inject, test } from "vitest";

import { makePasswordFilter } from "../../src/app/make-password-filter.ts";
import { captureLog } from "../support/log.ts";
import { createDatabase } from "../support/postgres.ts";
import { temporaryFolder } from "../support/process.ts";
import { sha1, startRangeService } from "../support/range-service.ts";
import { openServer, PASSWORD, startServer, type TestServer } from "../support/server.ts";

const BREACHED = "an otter of 1972 sings";
const GOOD = "a new battery staple";
const REASON = /stolen in a data breach/;

const register = (server: TestServer, username: string, password: string) =>
  server.register({ username, email: `${username}@example.com`, password });

/** Makes a filter of a list with these lines, and returns its path. */
async function filterOf(lines: readonly string[]): Promise<string> {
  const folder = await temporaryFolder();
  const list = join(folder, "list.txt");
  const path = join(folder, "breached.filter");
  await writeFile(list, lines.join("\r\n"));
  await using opened = new AsyncDisposableStack();
  await makePasswordFilter(list, path, { at: () => undefined, tellBadLine: () => undefined }, opened);
  return path;
}

describe("a breached password is refused at register, finalizeReset and changePassword, not at login, by", () => {
  test.each([
    {
      what: "a filter of SHA-1 hashes",
      env: async () => ({ PASSWORD_FILTER: await filterOf([`${sha1("another")}:3`, `${sha1(BREACHED)}:1`]) }),
    },
    {
      what: "a filter of plain passwords",
      env: async () => ({ PASSWORD_FILTER: await filterOf(["password", BREACHED, "12345"]) }),
    },
    {
      what: "the range service",
      env: async () => ({ PASSWORD_RANGE_URL: (await startRangeService([BREACHED])).url }),
    },
  ])("$what", async ({ env }) => {
    const databaseUrl = await createDatabase(inject("postgresUrl"));
    const before = await openServer({ databaseUrl });
    await before.server.registerPerson("eve", "eve@example.com", BREACHED);
    const eveToken = await before.server.confirmationToken("eve@example.com");
    before.server.succeed(await before.server.finalizeRegistration({ token: eveToken }));
    await before.stop();
    const server = await startServer({ env: await env(), databaseUrl });

    const error = server.refuse(await register(server, "bob", BREACHED), "WEAK_PASSWORD");
    expect(error.message).toMatch(REASON);
    expect(error.extensions.field).toBe("password");
    const { email, accessToken } = await server.activePerson("ada");
    const token = await server.askForReset(email);
    server.refuse(await server.finalizeReset({ token, password: BREACHED }), "WEAK_PASSWORD");
    const change = (newPassword: string) =>
      server.as(accessToken).changePassword({ currentPassword: PASSWORD, newPassword });
    expect(server.refuse(await change(BREACHED), "WEAK_PASSWORD").extensions.field).toBe("newPassword");
    server.succeed(await server.login({ username: "eve", password: BREACHED }));
    server.succeed(await change(GOOD));
  });
});

test("a filter takes hardly any other password for a breached one", async () => {
  const path = await filterOf(Array.from({ length: 20_000 }, (_, index) => `breached password ${index}`));
  const { PasswordFilter } = await import("../../src/accounts/hashing/password-filter.ts");
  const filter = await PasswordFilter.open(path);
  let taken = 0;
  for (let index = 0; index < 50_000; index += 1) {
    if (await filter.has(Buffer.from(sha1(`good password ${index}`), "hex"))) taken += 1;
  }
  await filter.close();
  expect(taken, "1 in 10,000 are promised; three times as many would be no accident").toBeLessThan(15);
});

describe("the server does not start with", () => {
  test.each([
    {
      what: "a filter that is not there",
      damage: () => Promise.resolve("/no/such/filter"),
      reason: /ENOENT/,
    },
    {
      what: "a file that is no filter",
      damage: async (path: string) => (await writeFile(path, "x".repeat(1000)), path),
      reason: /it is no password filter/,
    },
    {
      what: "a filter that was cut off",
      damage: async (path: string) => (await truncate(path, 66), path),
      reason: /it has 66 bytes instead of 69/,
    },
  ])("$what, and says how to make one", async ({ damage, reason }) => {
    const path = await damage(await filterOf(["breached", "passwords"]));
    const start = startServer({ env: { PASSWORD_FILTER: path } });

    await expect(start).rejects.toThrow(reason);
    await expect(start).rejects.toThrow(/npm run account -- password-filter LIST FILTER/);
  });
});

describe("the range service", () => {
  test("learns five digits of the password's SHA-1 hash and nothing else, and pads its answer", async () => {
    const service = await startRangeService([BREACHED]);
    const server = await startServer({ env: { PASSWORD_RANGE_URL: `${service.url}/` } });
    server.succeed(await register(server, "ada", GOOD));

    expect(service.requests).toHaveLength(1);
    const [{ path, headers }] = service.requests as [(typeof service.requests)[number]];
    expect(path).toBe(`/range/${sha1(GOOD).slice(0, 5)}`);
    expect(headers["add-padding"]).toBe("true");
    expect(JSON.stringify(headers)).not.toMatch(/ada|battery/);
  });

  test("is not asked for a password that is refused anyway, nor at login", async () => {
    const service = await startRangeService([]);
    const server = await startServer({ env: { PASSWORD_RANGE_URL: service.url } });
    server.refuse(await register(server, "ada", "12341234"), "WEAK_PASSWORD");
    server.refuse(await server.login({ username: "ada", password: GOOD }), "INVALID_CREDENTIALS");

    expect(service.requests).toEqual([]);
  });

  test("counts no row of padding as a breach", async () => {
    const row = `${sha1(GOOD).slice(5)}:0`;
    const service = await startRangeService([], (_, response) => response.end(`${row}\r\n`));
    const server = await startServer({ env: { PASSWORD_RANGE_URL: service.url } });

    server.succeed(await register(server, "ada", GOOD));
    expect(service.requests).toHaveLength(1);
  });

  test.each([
    { what: "hangs", reason: /no answer within 1000 ms/, answer: () => undefined },
    {
      what: "hangs in the middle",
      reason: /no answer within 1000 ms/,
      answer: (_: unknown, response: { write: (text: string) => unknown }) => response.write("0"),
    },
    {
      what: "answers 500",
      reason: /status 500/,
      answer: (_: unknown, response: { writeHead: (status: number) => { end: () => unknown } }) =>
        response.writeHead(500).end(),
    },
    {
      what: "redirects",
      reason: /fetch failed/,
      answer: (
        _: unknown,
        response: { writeHead: (status: number, headers: object) => { end: () => unknown } },
      ) => response.writeHead(302, { location: "/elsewhere" }).end(),
    },
    {
      what: "does not stop",
      reason: /over 1000000 bytes/,
      answer: (_: unknown, response: { end: (text: string) => unknown }) =>
        response.end("x".repeat(2_000_000)),
    },
  ])("that $what stops nobody, and is told once, without the password", async ({ answer, reason }) => {
    const log = captureLog();
    const service = await startRangeService([BREACHED], answer);
    const env = { PASSWORD_RANGE_URL: service.url, LOG_LEVEL: "debug", NODE_ENV: "test" };
    const server = await startServer({ env });

    for (const username of ["ada", "bob"]) server.succeed(await register(server, username, BREACHED));

    expect(service.requests, "no redirect is followed").toHaveLength(2);
    expect(log.text.match(/new passwords are not compared with breached ones/g)).toHaveLength(1);
    expect(log.text).toMatch(reason);
    expect(log.text).not.toContain(BREACHED);
    expect(log.text).not.toMatch(new RegExp(sha1(BREACHED).slice(0, 5), "i"));
  });

  test("that is not there stops nobody", async () => {
    const server = await startServer({
      env: { PASSWORD_RANGE_URL: "http://127.0.0.1:9/range", LOG_LEVEL: "silent" },
    });
    server.succeed(await register(server, "ada", GOOD));
  });
});
