// What docs/frontends.md says of pages on the same site and on another one, as a browser sees it.
import { symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import type { Page } from "playwright-core";
import { build } from "vite";
import { expect, test } from "vitest";

import { useBrowser } from "../support/browser.ts";
import { startFrontEnd } from "../support/front-end.ts";
import { sees } from "../support/page-actions.ts";
import { temporaryFolder } from "../support/process.ts";
import { PASSWORD, startServer, type TestServer } from "../support/server.ts";

const openPage = useBrowser();
const COOKIE = { "session-transport": "cookie" };
const LOGIN = `mutation { login(username: "ada", password: "${PASSWORD}") { refreshToken user { username } } }`;
const REFRESH =
  "mutation Refresh($token: String) { refreshSession(refreshToken: $token) { user { username } } }";

interface Answer {
  readonly data?: Record<string, { refreshToken?: string | null; user: { username: string } }> | null;
  readonly errors?: { extensions: { code: string } }[];
}

/** An operation that a script of the page sends. */
function send(
  page: Page,
  server: TestServer,
  headers: Record<string, string>,
  operation: object,
): Promise<Answer> {
  return page.evaluate(
    async ([url, given, body]) => {
      const answer = await fetch(url, {
        method: "POST",
        credentials: "include",
        headers: { "content-type": "application/json", ...given },
        body,
      });
      return (await answer.json()) as Answer;
    },
    [`${server.url}/graphql`, headers, JSON.stringify(operation)] as const,
  );
}

/** A page whose origin the server knows, under a host name, and a user. */
async function openFrontEnd(host: "127.0.0.1" | "localhost"): Promise<{ page: Page; server: TestServer }> {
  const frontEnd = await startFrontEnd();
  const origin = frontEnd.origin.replace("127.0.0.1", host);
  const server = await startServer({ env: { CORS_ORIGINS: origin } });
  frontEnd.callsServer(server.url);
  await server.activePerson("ada");
  const page = await openPage();
  await page.goto(origin);
  await sees(page, "INVALID_TOKEN");
  return { page, server };
}

test("a page on the same site stays logged in by the cookie, whatever its port", async () => {
  const { page, server } = await openFrontEnd("127.0.0.1");
  const { data } = await send(page, server, COOKIE, { query: LOGIN });
  expect(data?.["login"]?.refreshToken).toBeNull();
  await page.reload();
  await sees(page, "Hello ada");
});

test("a page on another site, as localhost is to 127.0.0.1, gets no cookie, and keeps its session by tokens", async () => {
  const { page, server } = await openFrontEnd("localhost");
  await send(page, server, COOKIE, { query: LOGIN });
  const lost = await send(page, server, COOKIE, { query: REFRESH });
  expect(lost.errors?.[0]?.extensions.code).toBe("INVALID_TOKEN");

  const { data } = await send(page, server, {}, { query: LOGIN });
  const token = data?.["login"]?.refreshToken;
  const kept = await send(page, server, {}, { query: REFRESH, variables: { token } });
  expect(kept.data?.["refreshSession"]?.user.username).toBe("ada");
});

/** Apollo Client as its documentation sets it up, for a script of a page: `ask(url, headers)`. */
const BY_APOLLO = `
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";

async function sha256(text) {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

globalThis.ask = async (uri, headers) => {
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    clientAwareness: { name: "web", version: "1.2.3" },
    link: ApolloLink.from([new PersistedQueryLink({ sha256 }), new HttpLink({ uri, headers, credentials: "include" })]),
  });
  return (await client.query({ query: gql("query Me { me { id } }") })).data;
};
`;

/** What OpenTelemetry, Sentry, Datadog and Zipkin add to the requests of a page. */
const TRACING = {
  traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  tracestate: "vendor=value",
  baggage: "sentry-environment=production",
  "sentry-trace": "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
  "x-datadog-trace-id": "1",
  b3: "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
  "x-request-id": "request-1",
};

async function bundled(source: string): Promise<string> {
  const root = await temporaryFolder();
  symlinkSync(resolve("node_modules"), join(root, "node_modules"));
  writeFileSync(join(root, "main.js"), source);
  const lib = { entry: "main.js", formats: ["es" as const] };
  const define = { "process.env.NODE_ENV": '"production"' };
  const outputs = await build({
    configFile: false,
    root,
    define,
    logLevel: "warn",
    build: { write: false, lib },
  });
  const [output] = [outputs].flat();
  if (!output || !("output" in output)) throw new Error("Vite has built nothing.");
  return output.output[0].code;
}

test("no header of Apollo Client or of tracing is blocked from another origin", async () => {
  const { page, server } = await openFrontEnd("localhost");
  const sent: string[][] = [];
  page.on("request", (request) => {
    if (request.method() === "POST") sent.push(Object.keys(request.headers()));
  });
  await page.addScriptTag({ type: "module", content: await bundled(BY_APOLLO) });
  await page.waitForFunction("globalThis.ask");
  const url = `${server.url}/graphql`;
  expect(await page.evaluate(`ask(${JSON.stringify(url)}, ${JSON.stringify(TRACING)})`)).toEqual({
    me: null,
  });
  const expected = ["apollographql-client-name", "apollographql-client-version", ...Object.keys(TRACING)];
  expect(sent.length).toBe(2); // the hash, then the text
  for (const names of sent) expect(names).toEqual(expect.arrayContaining(expected));
});
