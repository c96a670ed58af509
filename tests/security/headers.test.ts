// What every answer forbids browsers to do with it, and that the pages of allowed origins work all the same.
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";

import { describe, expect, onTestFinished, test } from "vitest";

import { useBrowser } from "../support/browser.ts";
import { sharedServer, startServer } from "../support/server.ts";

const openPage = useBrowser();

const PRODUCTION = {
  NODE_ENV: "production",
  CONFIRMATION_URI: "https://app.example.com/#/finalize",
  RESET_URI: "https://app.example.com/#/reset",
};

const ANSWERS: [string, RequestInit, number][] = [
  ["/", {}, 200],
  ["/favicon.svg", {}, 200],
  ["/livez", {}, 200],
  ["/graphql?query=%7Bme%7Bid%7D%7D", {}, 200],
  ["/graphql", { method: "OPTIONS" }, 405],
  ["/graphql", { method: "POST", headers: { "content-type": "text/plain" }, body: "{}" }, 415],
  ["/nowhere", {}, 404],
  ["/%zz", {}, 400],
];

/** The header that forbids, and what it prevents. */
const FORBIDDEN: [string, string | RegExp, string][] = [
  ["content-security-policy", /default-src 'none';.*frame-ancestors 'none'/, "foreign content, and frames"],
  ["x-frame-options", "DENY", "frames in old browsers"],
  ["x-content-type-options", "nosniff", "that a type is guessed"],
  ["referrer-policy", "no-referrer", "that an address is told to other sites"],
  ["cross-origin-opener-policy", "same-origin", "that another site holds the window of a page"],
  [
    "cross-origin-resource-policy",
    "same-origin",
    "that another site loads an answer as an image or a script",
  ],
  ["origin-agent-cluster", "?1", "that a page shares its process with another origin"],
  ["permissions-policy", /camera=\(\).*microphone=\(\)/, "that a page uses what it has no use for"],
];

describe("every answer", () => {
  const production = sharedServer({ env: PRODUCTION });
  const development = sharedServer();

  test.each(FORBIDDEN)("prevents by %s: %s, %s", async (name, value) => {
    for (const server of [production(), development()])
      for (const [path, init, status] of ANSWERS) {
        const answer = await fetch(server.url + path, init);
        expect(answer.status, path).toBe(status);
        expect(answer.headers.get(name), path).toEqual(
          typeof value === "string" ? value : expect.stringMatching(value),
        );
      }
  });

  test("forbids the same where the request was no HTTP, too long, or expects what there is not", async () => {
    const noHttp = "no HTTP\r\n\r\n";
    const tooLong = `GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ${"a".repeat(100_000)}\r\n\r\n`;
    const expecting = "GET / HTTP/1.1\r\nHost: localhost\r\nExpect: a-miracle\r\n\r\n";
    for (const [request, status] of [
      [noHttp, 400],
      [tooLong, 431],
      [expecting, 417],
    ] as const) {
      const answer = await rawAnswer(production().url, request);
      expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      for (const [name] of [...FORBIDDEN, ["strict-transport-security"], ["cache-control"]])
        expect(answer.toLowerCase(), `${status} ${name}`).toContain(`\r\n${name}: `);
    }
  });

  test("prevents in production, and only there, that a browser asks again without TLS", async () => {
    for (const [path, init] of ANSWERS) {
      const { headers } = await fetch(production().url + path, init);
      expect(headers.get("strict-transport-security"), path).toBe("max-age=31536000; includeSubDomains");
      const local = await fetch(development().url + path, init);
      expect(local.headers.has("strict-transport-security"), path).toBe(false);
    }
  });

  test("prevents that a client learns what the server is made of", async () => {
    for (const [path, init] of ANSWERS) {
      const { headers } = await fetch(production().url + path, init);
      for (const name of ["server", "x-powered-by"]) expect(headers.has(name), path).toBe(false);
    }
  });
});

/** Sends bytes over a connection of their own; resolves with all that comes back. */
async function rawAnswer(url: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.on("error", () => undefined); // the server may close before it has read all
  socket.write(bytes);
  let answer = "";
  socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
  await once(socket, "close");
  return answer;
}

/** A page of another origin. */
async function startOtherSite(): Promise<string> {
  const site = createServer((_request, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end("<!doctype html><link rel='icon' href='data:,'><title>Another site</title>");
  });
  await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void site.close());
  return `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
}

test("a page of an allowed origin calls the API, and a page of any origin loads nothing else", async () => {
  const site = await startOtherSite();
  const server = await startServer({ env: { CORS_ORIGINS: site } });
  const page = await openPage({ allows: /ERR_BLOCKED_BY_RESPONSE|blocked by CORS policy|ERR_FAILED/ });
  await page.goto(site);

  const answer = await page.evaluate(async (url) => {
    const response = await fetch(`${url}/graphql`, {
      method: "POST",
      credentials: "include",
      headers: { "content-type": "application/json", "session-transport": "cookie" },
      body: JSON.stringify({ query: "{ me { id } }" }),
    });
    return (await response.json()) as unknown;
  }, server.url);
  expect(answer).toEqual({ data: { me: null } });

  const blocked = (path: string, mode: RequestMode) =>
    page.evaluate(
      ([url, how]) =>
        fetch(url!, { mode: how as RequestMode }).then(
          () => "loaded",
          () => "blocked",
        ),
      [server.url + path, mode],
    );
  for (const path of ["/", "/favicon.svg", "/livez"]) {
    expect(await blocked(path, "no-cors"), path).toBe("blocked");
    expect(await blocked(path, "cors"), path).toBe("blocked");
  }
});
