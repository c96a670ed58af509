// Nothing is served but what was built to be served.
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";

import { expect, test } from "vitest";

import { startServer } from "../support/server.ts";

test.each([
  "/.git/config",
  "/.git/HEAD",
  "/.env",
  "/.npmrc",
  "/package.json",
  "/package-lock.json",
  "/src/bin/serve.ts",
  "/dist/bin/serve.js",
  "/node_modules/fastify/package.json",
  "/.data/jwt-secret",
  "/assets",
  "/assets/",
  "/assets/.vite/manifest.json",
  "/assets/../../../package.json",
  "/assets/..%2f..%2f..%2fpackage.json",
  "/assets/%2e%2e/%2e%2e/%2e%2e/package.json",
  "/assets/..\\..\\..\\package.json",
  "/assets/....//....//package.json",
  "/favicon.svg/../index.html",
  "/metrics",
  "/server-status",
  "/debug",
])("%s is not served", async (path) => {
  const server = await startServer();
  const { hostname, port } = new URL(server.url);
  // fetch would resolve the dots itself.
  const asked = get({ hostname, port, path });
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  expect([403, 404]).toContain(answer.statusCode);
  expect(await text(answer)).toMatch(/^\{"errors":/);
});
