// The id of a request: in its answer and in each line that the log has of it. Only a trusted proxy can choose it.
import { describe, expect, test } from "vitest";

import { captureLog } from "../support/log.ts";
import { PASSWORD, sharedServer, startServer } from "../support/server.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const LOGIN = { username: "ada", password: PASSWORD };

const idOf = ({ headers }: { headers: Headers }) => headers.get("x-request-id");

describe("every answer has an id of its own", () => {
  const server = sharedServer();

  test.each<[string, string, RequestInit]>([
    ["an operation", "/graphql?query={me{id}}", {}],
    [
      "no GraphQL",
      "/graphql",
      { method: "POST", headers: { "content-type": "application/json" }, body: "{" },
    ],
    ["a body that is too large", "/graphql", { method: "POST", body: "x".repeat(100_000) }],
    ["a method that is refused", "/graphql", { method: "DELETE" }],
    ["a page", "/", {}],
    ["nothing", "/nowhere", {}],
    ["a URL that cannot be decoded", "/%", {}],
    ["a health check", "/livez", {}],
  ])("to %s", async (_what, path, init) => {
    const ids = [await fetch(server().url + path, init), await fetch(server().url + path, init)].map(idOf);
    for (const id of ids) expect(id).toMatch(UUID);
    expect(ids[0]).not.toBe(ids[1]);
  });
});

describe("a proxy's X-Request-Id", () => {
  const trusting = sharedServer({ env: { TRUSTED_PROXIES: "127.0.0.1" } });
  const strict = sharedServer({ env: { TRUSTED_PROXIES: "192.0.2.1" } });
  const sent = async (server: () => { url: string }, id: string) =>
    idOf(await fetch(`${server().url}/livez`, { headers: { "x-request-id": id } }));

  test.each([
    "0192f0c1-5a52-7e6e-b9f0-000000000000",
    "f2a0c6e9e1d34c7a8c5e",
    "Root=1-67891233-abcdef012345678912345678",
    "7F000001:CDB4_7F000001:0050_65",
    "a".repeat(128),
  ])("is taken: %s", async (id) => {
    expect(await sent(trusting, id)).toBe(id);
    expect(await sent(strict, id), "from somebody else").toMatch(UUID);
  });

  test.each(["", " ", "a b", 'a"b', "a,b", "{a}", "a\tb", "<a>", "a%0ab", "é", "a".repeat(129)])(
    "is replaced if it is not well formed: %j",
    async (id) => {
      expect(await sent(trusting, id)).toMatch(UUID);
    },
  );
});

test("each line of the log has the id of the request that it is about", async () => {
  const log = captureLog();
  const server = await startServer({ env: { TRUSTED_PROXIES: "127.0.0.1" } });
  await server.query("alter table accounts.users rename to elsewhere");

  const answers = await Promise.all(
    ["request-1", "request-2"].map((id) => server.with({ "x-request-id": id }).login(LOGIN)),
  );

  const entries = log.text.split(/(?=^\[)/m).filter((entry) => entry.includes("unexpected error"));
  expect(entries).toHaveLength(2);
  for (const answer of answers) {
    const { extensions } = server.refuse(answer, "INTERNAL_SERVER_ERROR");
    const entry = entries.find((one) => one.includes(extensions.id!));
    expect(entry).toContain(`requestId: "${idOf(answer)}"`);
  }
});

test("what a client sends as an id stands in no line of the log", async () => {
  const log = captureLog();
  const server = await startServer();
  await server.query("alter table accounts.users rename to elsewhere");

  const answer = await server.with({ "x-request-id": "planted", "x-forwarded-for": "planted" }).login(LOGIN);

  server.refuse(answer, "INTERNAL_SERVER_ERROR");
  expect(log.text.match(/requestId/g)).toHaveLength(1);
  expect(log.text).toContain(idOf(answer));
  expect(log.text).not.toContain("planted");
});
