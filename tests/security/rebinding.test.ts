// A page of another site that points its host name to a developer's server (DNS rebinding) gets nothing from it.
import { request } from "node:http";
import { json } from "node:stream/consumers";

import { expect, test } from "vitest";

import { startServer, startWithMailbox, type TestServer } from "../support/server.ts";

/** Fetch does not let a test choose the Host header. */
async function ask(
  server: TestServer,
  host: string,
  headers: Record<string, string> = {},
  path = "/graphql",
) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: unknown }>();
  const sent = request(
    server.url,
    { path: `${path}?query={me{id}}`, headers: { host, ...headers }, agent: false },
    (answer) => {
      const status = answer.statusCode!;
      if (!answer.headers["content-type"]?.startsWith("application/json")) {
        answer.resume();
        resolve({ status, body: null });
      } else json(answer).then((body) => resolve({ status, body }), reject);
    },
  );
  sent.on("error", reject).end();
  return promise;
}

const NAMES = [
  "evil.example",
  "evil.example:4000",
  "127.0.0.1.evil.example",
  "localhost.evil.example",
  "evil.example.",
];

test.each(NAMES)("in development, %s reaches neither GraphQL nor GraphiQL", async (host) => {
  const server = await startWithMailbox();
  for (const headers of [{}, { accept: "text/html" }]) {
    for (const path of ["/graphql", "/%67raphql", "http://evil.example/graphql"]) {
      expect(await ask(server, host, headers, path)).toEqual({
        status: 403,
        body: {
          errors: [
            {
              message: expect.stringMatching(/DNS rebinding.*HOST/) as string,
              extensions: { code: "FORBIDDEN" },
            },
          ],
        },
      });
    }
  }
});

const OWN = [
  "localhost",
  "LOCALHOST:4000",
  "app.localhost",
  "127.0.0.1",
  "[::1]:4000",
  "192.168.1.5:4000",
  "accounts",
];

test.each(OWN)("a developer reaches the server as %s", async (host) => {
  const server = await startWithMailbox();
  expect(await ask(server, host)).toEqual({ status: 200, body: { data: { me: null } } });
});

test("in production every name reaches the server, which is public", async () => {
  const server = await startServer({
    env: {
      NODE_ENV: "production",
      CONFIRMATION_URI: "https://app.example.com/confirm",
      RESET_URI: "https://app.example.com/reset",
    },
  });
  expect(await ask(server, "accounts.example.com")).toMatchObject({ status: 200 });
});
