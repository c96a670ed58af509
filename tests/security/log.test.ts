// What the log tells, and what an attacker cannot make it tell.
import { globSync, readFileSync } from "node:fs";

import { describe, expect, inject, onTestFinished, test } from "vitest";

import { captureLog } from "../support/log.ts";
import { createDatabase, query } from "../support/postgres.ts";
import { startProcess, type ServerProcess } from "../support/process.ts";
import { openServer, PASSWORD, type TestServer } from "../support/server.ts";
import { SmtpCatcher } from "../support/smtp.ts";

/** The built server as it runs in production, and logs most. */
async function startProduction() {
  const databaseUrl = await createDatabase(inject("postgresUrl"));
  const smtp = await SmtpCatcher.start();
  onTestFinished(() => smtp.close());
  const server = await startProcess({
    env: {
      NODE_ENV: "production",
      LOG_LEVEL: "debug",
      DATABASE_URL: databaseUrl,
      JWT_SECRET: "a secret of this test, at least 32 bytes long",
      MAIL_SERVER: "127.0.0.1",
      MAIL_PORT: String(smtp.port),
      MAIL_USERNAME: "accounts@example.com",
      CONFIRMATION_URI: "https://app.example/#/finalize",
      RESET_URI: "https://app.example/#/reset",
    },
  });
  return { server, door: await server.ready(), databaseUrl, smtp };
}

/** The lines of the log, once `count` of them match. */
async function entries(
  server: ServerProcess,
  pattern: RegExp,
  count = 1,
): Promise<Record<string, unknown>[]> {
  const lines = () => server.output.trim().split("\n");
  await expect.poll(() => lines().filter((line) => pattern.test(line)).length).toBeGreaterThanOrEqual(count);
  return lines().map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("every line of the log in production is one JSON object with a time and a level", async () => {
  const before = Date.now();
  const { server, door } = await startProduction();
  door.succeed(await door.register({ username: "ada", email: "ada@example.com", password: PASSWORD }));
  for (const entry of await entries(server, /email sent/)) {
    expect(entry).toMatchObject({ level: expect.any(Number) as number, msg: expect.any(String) as string });
    expect(entry["time"], "milliseconds since 1970, in UTC").toBeGreaterThanOrEqual(before);
  }
});

test("nothing that a client chooses begins a line of the log or stands in one", async () => {
  const { server, door, databaseUrl } = await startProduction();
  const mark = "planted";
  const forged = `\r\n{"level":30,"msg":"${mark}"}\n\u001b]0;${mark}\u0007\u001b[2J`;
  await query(databaseUrl, "alter table accounts.users rename to elsewhere"); // what is asked now, fails and is logged
  const client = door.with({
    "user-agent": `agent "${mark}"`,
    "accept-language": `en-${mark}`,
    "x-forwarded-for": mark,
    "x-request-id": mark,
    referer: `https://${mark}.example`,
  });

  const answers = [
    await client.login({ username: forged, password: forged }),
    await client.register({ username: mark, email: `${mark}@example.com`, password: PASSWORD, locale: mark }),
    await client.requestReset({ email: `${mark}@example.com` }),
    await client.execute(`query ${mark} { me { id } }`),
    await client.send({}, `/graphql?query=${encodeURIComponent(forged)}`),
    await client.send({}, `/${encodeURIComponent(forged)}`),
  ];

  const failed = answers.filter(({ text }) => text.includes("INTERNAL_SERVER_ERROR")).length;
  expect(failed).toBeGreaterThanOrEqual(3);
  await entries(server, /unexpected error/, failed);
  expect(server.output).not.toContain(mark);
  expect(server.output).not.toContain("\u001b");
});

describe("what was refused is logged", () => {
  /** The lines about refusals of a server that has ended after `attempts`. */
  async function refusalsOf(attempts: (server: TestServer) => Promise<void>) {
    const log = captureLog();
    const { server, stop } = await openServer({ env: { LOG_LEVEL: "info" } });
    await attempts(server);
    await stop();
    await server.dropDatabase();
    return log.text.split(/(?=^\[)/m).filter((entry) => entry.includes("refused in the last minute"));
  }

  test("with who tried to do what only an administrator may, from where and how often", async () => {
    let id = "";
    const refusals = await refusalsOf(async (server) => {
      const ada = await server.activePerson("ada");
      id = ada.id;
      for (const name of ["one", "two", "three"])
        server.refuse(await server.as(ada.accessToken).users({ search: name }), "FORBIDDEN");
      server.refuse(await server.as(ada.accessToken).user({ id }), "FORBIDDEN");
    });
    expect(refusals).toHaveLength(2);
    expect(refusals[0]).toMatch(/code: "FORBIDDEN"\n\s+count: 3\n\s+operation: "users"/);
    expect(refusals[1]).toMatch(/count: 1\n\s+operation: "user"/);
    for (const refusal of refusals) {
      expect(refusal).toContain(`userId: "${id}"`);
      expect(refusal).toContain('address: "127.0.0.1"');
    }
  });

  test("by code and operation, in as many lines however many attempts there were, and with nothing from them", async () => {
    const refusals = await refusalsOf(async (server) => {
      for (const mark of ["planted-1", "planted-2"]) {
        server.refuse(await server.finalizeReset({ token: mark, password: PASSWORD }), "INVALID_TOKEN");
        server.refuse(
          await server.register({ username: mark, email: mark, password: mark }),
          "BAD_USER_INPUT",
        );
        server.refuse(await server.login({ username: mark, password: mark }), "INVALID_CREDENTIALS");
        await server.execute(
          `mutation { ${mark.replace("-", "_")}: login(username: "a", password: "b") { expiresAt } }`,
        );
        await server.execute(`mutation { login(username: "${mark}", planted: 1) { expiresAt } }`);
        await server.execute(`{ planted${mark} `);
      }
    });
    const counted = refusals.map((entry) =>
      [/code: "(\w+)"/, /count: (\d+)/, /operation: "(\w+)"/].map((part) => part.exec(entry)?.[1]),
    );
    expect(counted).toEqual([
      ["INVALID_TOKEN", "2", "finalizeReset"],
      ["BAD_USER_INPUT", "2", "register"],
      ["INVALID_CREDENTIALS", "4", "login"],
      ["GRAPHQL_VALIDATION_FAILED", expect.stringMatching(/^[2-9]$/), undefined],
      ["GRAPHQL_PARSE_FAILED", "2", undefined],
    ]);
    expect(refusals.join("\n")).not.toContain("planted");
  });
});

test("the log goes to standard output alone: no file to protect, and no other service", () => {
  const writing = globSync("src/**/*.ts").filter((file) =>
    /pino\.(?:destination|transport)|createWriteStream|appendFile|node:dgram/.test(
      readFileSync(file, "utf8"),
    ),
  );
  expect(writing).toEqual([]);
});
