// What docs/frontends.md says of pages on the same site and on another one, as a browser sees it.
import type { Page } from "playwright-core";
import { expect, test } from "vitest";

import { useBrowser } from "../support/browser.ts";
import { startFrontEnd } from "../support/front-end.ts";
import { sees } from "../support/page-actions.ts";
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
