// An unexpected error: an id for the client, the cause for the log, secrets for neither.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { expect, test } from "vitest";

import type { Answer } from "../support/graphql.ts";
import { captureLog } from "../support/log.ts";
import { temporaryFolder } from "../support/process.ts";
import { PASSWORD, startServer, type TestServer } from "../support/server.ts";
import { expectNothingInside, expectRefusal } from "./refusal.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const RENAMED = "alter table accounts.users rename to elsewhere";
const NO_QUEUE = "drop schema accounts_queue cascade";
const REFUSING = "alter table accounts.users add check (username <> 'grace-hopper')";

const person = { username: "grace-hopper", email: "grace.hopper@example.com", password: PASSWORD };

test.each<[string, string, (server: TestServer, token: string) => Promise<Answer<unknown>>]>([
  ["register, with its table gone", RENAMED, (server) => server.register(person)],
  [
    "login, with its table gone",
    RENAMED,
    (server) => server.login({ username: person.username, password: PASSWORD }),
  ],
  ["requestReset, with its table gone", RENAMED, (server) => server.requestReset({ email: person.email })],
  [
    "finalizeReset, with its table gone",
    RENAMED,
    (server, token) => server.finalizeReset({ token, password: PASSWORD }),
  ],
  ["register, with the mail queue gone", NO_QUEUE, (server) => server.register(person)],
  ["register, with its row refused", REFUSING, (server) => server.register(person)],
])(
  "%s: INTERNAL_SERVER_ERROR with an id that the log has too, and no secret in either",
  async (_what, sql, call) => {
    const log = captureLog();
    const server = await startServer({ env: { LOG_LEVEL: "debug" } });
    await server.activePerson("margaret");
    const token = await server.askForReset("margaret@example.com");
    await server.query(sql);

    const answer = await call(server, token);

    expect(answer.status).toBe(200);
    expect(answer.errors).toHaveLength(1);
    const { message, extensions } = answer.errors[0]!;
    expect(extensions).toEqual({
      code: "INTERNAL_SERVER_ERROR",
      id: expect.stringMatching(UUID) as unknown,
    });
    expect(message).toContain(extensions.id);
    expectNothingInside(answer.text);
    expect(answer.text).not.toMatch(/users|relation|accounts_queue|violates/);

    expect(log.text).toContain(extensions.id);
    for (const secret of [PASSWORD, token, token.split(".")[2]!, "$argon2", person.username, person.email])
      expect(log.text, "the log").not.toContain(secret);
  },
);

test("two failures have two ids", async () => {
  captureLog();
  const server = await startServer();
  await server.query(RENAMED);
  const failedLogin = async () =>
    (await server.login({ username: "ada", password: PASSWORD })).errors[0]!.extensions.id;
  expect(await failedLogin()).not.toBe(await failedLogin());
});

test("a page that fails answers 500 with an id that the log has too", async () => {
  const log = captureLog();
  const dataDir = await temporaryFolder();
  await mkdir(join(dataDir, "mailbox", "00000001.eml"), { recursive: true });
  const server = await startServer({ env: { MAIL_SERVER: "", DATA_DIR: dataDir } });

  const answer = await server.send({}, "/mailbox/messages");

  expectRefusal(answer, 500, /^INTERNAL_SERVER_ERROR$/);
  expect(answer.errors[0]!.extensions.id).toMatch(UUID);
  expect(answer.text).not.toMatch(/EISDIR|mailbox/);
  expect(log.text).toContain(answer.errors[0]!.extensions.id);
});
