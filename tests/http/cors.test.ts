// Which pages of which sites may call the server from a browser: none unless configured, then exactly those.
import { describe, expect, test } from "vitest";

import { sharedServer, startServer, type TestServer } from "../support/server.ts";
import { expectRefusal } from "./refusal.ts";

const ALLOWED = "https://app.example.com";
const ALLOWED_TOO = "http://localhost:3000";
const OTHERS = [
  "https://evil.example",
  "null",
  "https://app.example.com.evil.example",
  "https://evil-app.example.com",
  "https://sub.app.example.com",
  "http://app.example.com",
  "https://app.example.com:8443",
  "https://APP.example.com",
  "http://localhost:30001",
];

const query = (origin: string): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json", origin },
  body: JSON.stringify({ query: "{ me { id } }" }),
});
const preflight = (origin: string): RequestInit => ({
  method: "OPTIONS",
  headers: {
    origin,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type,session-transport",
  },
});

describe("without CORS_ORIGINS", () => {
  const shared = sharedServer();

  test.each([ALLOWED, "null"])("an answer to a page of %s lets no browser hand it over", async (origin) => {
    const server = shared();
    const { headers, status } = await server.send(query(origin));
    expect(status).toBe(200);
    expect([...headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([]);
  });

  test("a preflight is refused", async () => {
    const server = shared();
    const answer = await server.send(preflight(ALLOWED));
    expectRefusal(answer, 405);
    expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([]);
  });
});

describe("the default start", () => {
  const shared = sharedServer({ env: { NODE_ENV: "development" } });

  test.each(
    ["localhost", "127.0.0.1"].flatMap((host) => [3000, 4173, 5173].map((port) => `http://${host}:${port}`)),
  )("lets a page of the development server at %s send operations", async (origin) => {
    const server = shared();
    const { headers } = await server.send(query(origin));
    expect(headers.get("access-control-allow-origin")).toBe(origin);
    expect((await fetch(`${server.url}/graphql`, preflight(origin))).ok).toBe(true);
  });

  test.each([
    "http://localhost:8080",
    "http://localhost",
    "https://localhost:5173",
    "http://evil.example:5173",
    "http://localhost.evil.example:5173",
    "null",
  ])("gives a page of %s nothing", async (origin) => {
    const server = shared();
    for (const init of [query(origin), preflight(origin)]) {
      const { headers } = await fetch(`${server.url}/graphql`, init);
      expect(headers.has("access-control-allow-origin"), init.method).toBe(false);
    }
  });
});

describe("with CORS_ORIGINS", () => {
  const shared = sharedServer({ env: { CORS_ORIGINS: `${ALLOWED}, ${ALLOWED_TOO}` } });

  test.each([ALLOWED, ALLOWED_TOO])(
    "a page of %s may send operations and read the answers",
    async (origin) => {
      const server = shared();
      const { headers, status } = await server.send(query(origin));
      expect(status).toBe(200);
      expect(headers.get("access-control-allow-origin")).toBe(origin);
      expect(headers.get("access-control-allow-credentials")).toBe("true");
      expect(headers.get("vary")).toMatch(/origin/i);
    },
  );

  test("a page of an allowed origin may read refusals too", async () => {
    const server = shared();
    const answer = await server.send({ ...query(ALLOWED), body: "no json" });
    expectRefusal(answer, 400);
    expect(answer.headers.get("access-control-allow-origin")).toBe(ALLOWED);
  });

  test("its preflight allows POST with a content type, an access token and the refresh token's cookie", async () => {
    const server = shared();
    const { ok, headers } = await fetch(`${server.url}/graphql`, preflight(ALLOWED));
    expect(ok).toBe(true);
    expect(headers.get("access-control-allow-origin")).toBe(ALLOWED);
    expect(headers.get("access-control-allow-methods")?.split(/, */)).toContain("POST");
    const allowed = headers.get("access-control-allow-headers")?.toLowerCase().split(/, */);
    expect(allowed).toEqual(expect.arrayContaining(["authorization", "content-type", "session-transport"]));
    expect(headers.get("access-control-allow-credentials")).toBe("true");
  });

  /** The headers that Chromium would let a page send. */
  async function allowedHeaders(server: TestServer): Promise<string[]> {
    const { headers } = await fetch(`${server.url}/graphql`, preflight(ALLOWED));
    return headers.get("access-control-allow-headers")!.toLowerCase().split(/, */);
  }

  test.each([
    ["Apollo Client's awareness", ["apollographql-client-name", "apollographql-client-version"]],
    ["Apollo's other clients", ["apollo-require-preflight", "x-apollo-operation-name"]],
    ["other clients", ["graphql-client-name", "graphql-client-version", "x-requested-with"]],
    ["OpenTelemetry", ["traceparent", "tracestate", "baggage"]],
    ["Sentry", ["sentry-trace", "baggage"]],
    ["Datadog", ["x-datadog-trace-id", "x-datadog-parent-id", "x-datadog-sampling-priority"]],
    ["a proxy in the browser", ["x-request-id"]],
  ])("its pages may send the headers of %s", async (_client, names) => {
    expect(await allowedHeaders(shared())).toEqual(expect.arrayContaining(names));
  });

  test("CORS_HEADERS allows more of them", async () => {
    expect(await allowedHeaders(shared())).not.toContain("x-tenant");
    const server = await startServer({
      env: { CORS_ORIGINS: ALLOWED, CORS_HEADERS: "X-Tenant, X-Experiment" },
    });
    expect(await allowedHeaders(server)).toEqual(
      expect.arrayContaining(["x-tenant", "x-experiment", "authorization", "traceparent"]),
    );
  });

  test.each(OTHERS)("a page of %s gets nothing", async (origin) => {
    const server = shared();
    for (const init of [query(origin), preflight(origin)]) {
      const { headers } = await fetch(`${server.url}/graphql`, init);
      expect(headers.has("access-control-allow-origin"), init.method).toBe(false);
    }
  });

  test.each(["/", "/livez", "/mailbox/messages"])(
    "a page of an allowed origin may not read %s",
    async (path) => {
      const server = shared();
      for (const init of [{ headers: { origin: ALLOWED } }, preflight(ALLOWED)]) {
        const { headers } = await fetch(server.url + path, init);
        expect([...headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([]);
      }
    },
  );

  test("an OPTIONS request that is no preflight is refused in the shape of every error", async () => {
    const server = shared();
    const answer = await server.send({ method: "OPTIONS" });
    expectRefusal(answer, 405);
    expect(answer.headers.get("allow")).toBe("GET, POST");
  });
});
