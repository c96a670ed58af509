// The client package in Chromium: a session by cookie, in the tabs of a browser.
import type { BrowserContext, Page } from "playwright-core";
import { describe, expect, test } from "vitest";

import { useBrowser } from "../support/browser.ts";
import { freePort } from "../support/proxies.ts";
import { Relay } from "../support/relay.ts";
import { MINUTE, PASSWORD, startServer, type TestServer } from "../support/server.ts";

const openPage = useBrowser();
const HOUR = 60 * MINUTE;

const login = (username: string) =>
  `mutation { login(username: "${username}", password: "${PASSWORD}") { accessToken expiresAt refreshToken user { id } } }`;

/** A server with ada and grace, and the network before it. */
async function start(): Promise<{ server: TestServer; relay: Relay; ada: string; grace: string }> {
  const server = await startServer();
  const [ada, grace] = await Promise.all([server.activePerson("ada"), server.activePerson("grace")]);
  return { server, relay: await Relay.start(server), ada: ada.id, grace: grace.id };
}

/** Opens a page with a session, in a tab of this browser. */
async function openTab(context: BrowserContext, relay: Relay, options = {}): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${relay.url}/client/?${new URLSearchParams(options)}`);
  await page.evaluate("restored");
  return page;
}

const openContext = async (allows?: RegExp) => (await openPage(allows && { allows })).context();
const logIn = (page: Page, username: string) =>
  page.evaluate(`ask(${JSON.stringify(login(username))}).then(({ data }) => session.begin(data.login))`);
const stateOf = (page: Page) => page.evaluate("session.state");
const statesOf = (page: Page) => page.evaluate("states");
const whoAmI = (page: Page) =>
  page.evaluate("ask('{ me { username } }').then(({ data }) => data?.me?.username ?? null)");
/** What a request comes to: the names of its errors, or those of GraphQL's. */
const attempt = (page: Page, query: string) =>
  page.evaluate(
    `ask(${JSON.stringify(query)}).then(({ errors = [] }) => errors.map(({ extensions }) => extensions.code), ({ name }) => name)`,
  );
/** Moves the device's clock, or what a page takes for it. */
const shiftClock = (milliseconds: number) => `{
  const now = Date.now.bind(Date);
  Date.now = () => now() + ${milliseconds};
}`;

describe("a session in the tabs of a browser", () => {
  test("outlives a reload, and is there in a new tab", async () => {
    const { relay, ada } = await start();
    const context = await openContext();
    const page = await openTab(context, relay);
    await logIn(page, "ada");
    await page.reload();
    await page.evaluate("restored");
    expect(await whoAmI(page)).toBe("ada");
    expect(await stateOf(await openTab(context, relay))).toEqual({ userId: ada, endedBy: null });
  });

  test("asks nothing of the server for a visitor", async () => {
    const { relay } = await start();
    await openTab(await openContext(), relay);
    expect(relay.bodies).toEqual([]);
  });

  test("keeps no token where a script can read it", async () => {
    const { relay } = await start();
    const page = await openTab(await openContext(), relay);
    await logIn(page, "ada");
    const kept = await page.evaluate("[{ ...localStorage }, { ...sessionStorage }, document.cookie]");
    expect(kept).toEqual([{ "account-session /graphql": "cookie" }, {}, ""]);
  });

  test("is refreshed once for all requests of all tabs", async () => {
    const { server, relay } = await start();
    const context = await openContext();
    const page = await openTab(context, relay);
    await logIn(page, "ada");
    const other = await openTab(context, relay);
    const before = relay.refreshes;
    const refresh = Promise.withResolvers();
    relay.hold = refresh.promise;
    server.advance(16 * MINUTE);

    const FIVE =
      "Promise.all([1, 2, 3, 4, 5].map(() => ask('{ me { username } }').then(({ data }) => data.me.username)))";
    const answers = [page, other].map((tab) => tab.evaluate(FIVE));
    const waiting = "navigator.locks.query().then(({ pending }) => pending.length)";
    await expect.poll(() => page.evaluate(waiting)).toBe(1);
    refresh.resolve(undefined);

    expect(await Promise.all(answers)).toEqual([Array(5).fill("ada"), Array(5).fill("ada")]);
    expect(relay.refreshes - before).toBe(1);
  });

  test("is refreshed by each tab where a browser has no locks, as over plain http", async () => {
    const { server, relay } = await start();
    const context = await openContext();
    await context.addInitScript("delete Navigator.prototype.locks");
    const page = await openTab(context, relay);
    await logIn(page, "ada");
    const other = await openTab(context, relay);
    server.advance(16 * MINUTE);
    expect(await Promise.all([whoAmI(page), whoAmI(other)])).toEqual(["ada", "ada"]);
    server.advance(16 * MINUTE);
    expect(await Promise.all([whoAmI(page), whoAmI(other)])).toEqual(["ada", "ada"]);
  });

  test("goes on after the answer of a refresh was lost", async () => {
    const { server, relay, ada } = await start();
    const page = await openTab(await openContext(/ERR_EMPTY_RESPONSE/), relay);
    await logIn(page, "ada");
    server.advance(16 * MINUTE);
    relay.make({ with: /refreshSession/, times: 2 }); // Chromium repeats by itself what got no answer on a kept connection
    expect(await attempt(page, "{ me { username } }")).toBe("TypeError");
    expect(await stateOf(page)).toEqual({ userId: ada, endedBy: null });
    relay.make({ with: /refreshSession/, times: 0 });
    expect(await whoAmI(page)).toBe("ada");
  });

  test("that ended at the server is over in all tabs, once one of them learns it", async () => {
    const { server, relay } = await start();
    const context = await openContext();
    const page = await openTab(context, relay);
    await logIn(page, "ada");
    const other = await openTab(context, relay);
    const elsewhere = server.succeed(await server.login({ username: "ada", password: PASSWORD }));
    server.succeed(await server.as(elsewhere.accessToken).logoutEverywhere());

    expect(await attempt(page, "{ me { username } }")).toEqual(["UNAUTHENTICATED"]);
    expect(await stateOf(page)).toEqual({ userId: null, endedBy: "server" });
    await expect.poll(() => stateOf(other)).toEqual({ userId: null, endedBy: "server" });
    expect(await page.evaluate("({ ...localStorage })")).toEqual({});
  });

  test("ends in all tabs by a logout in one", async () => {
    const { server, relay } = await start();
    const context = await openContext();
    const page = await openTab(context, relay);
    await logIn(page, "ada");
    const other = await openTab(context, relay);
    await page.evaluate("session.end()");
    for (const tab of [page, other]) {
      await expect.poll(() => stateOf(tab)).toEqual({ userId: null, endedBy: "logout" });
    }
    const names = (await context.cookies()).map(({ name }) => name);
    expect(names).toEqual(["device_tokens"]);
    expect(
      await server.query(
        "select 1 from accounts.sessions s join accounts.users u on u.id = s.user_id where username = 'ada'",
      ),
    ).toHaveLength(1); // of the registration
  });
});

describe("a session in a storage of the browser", () => {
  test("is one for all tabs in localStorage", async () => {
    const { server, relay, ada } = await start();
    const context = await openContext();
    const options = { storage: "localStorage" };
    const page = await openTab(context, relay, options);
    await logIn(page, "ada");
    const other = await openTab(context, relay, options);
    expect(await stateOf(other)).toEqual({ userId: ada, endedBy: null });
    server.advance(16 * MINUTE);
    expect(await Promise.all([page, other].map(whoAmI))).toEqual(["ada", "ada"]);
    await other.evaluate("session.end()");
    await expect.poll(() => stateOf(page)).toEqual({ userId: null, endedBy: "logout" });
    const cookies = await context.cookies();
    expect(cookies).toEqual([]);
  });

  test("is each tab's own in sessionStorage", async () => {
    const { server, relay } = await start();
    const context = await openContext();
    const options = { storage: "sessionStorage" };
    const page = await openTab(context, relay, options);
    const other = await openTab(context, relay, options);
    await logIn(page, "ada");
    await logIn(other, "grace");
    server.advance(16 * MINUTE);
    expect(await Promise.all([page, other].map(whoAmI))).toEqual(["ada", "grace"]);
    await page.evaluate("session.end()");
    expect(await whoAmI(other)).toBe("grace");
  });
});

test("a session of a page of another origin is kept by the cookie, and refreshed in time", async () => {
  const port = await freePort();
  const server = await startServer({ env: { CORS_ORIGINS: `http://127.0.0.1:${port}` } });
  await server.activePerson("ada");
  const relay = await Relay.start(server, port);
  const context = await openContext();
  await context.addInitScript(shiftClock(HOUR));
  const page = await openTab(context, relay, { url: `${server.url}/graphql` });
  await logIn(page, "ada");
  await page.reload();
  await page.evaluate("restored");
  const bodies: string[] = [];
  page.on("request", (request) => bodies.push(request.postData() ?? ""));
  expect(await whoAmI(page)).toBe("ada");
  await page.evaluate(shiftClock(15 * MINUTE));
  expect(await whoAmI(page)).toBe("ada");
  expect(bodies.map((body) => /me \{|refreshSession/.exec(body)?.[0])).toEqual([
    "me {",
    "refreshSession",
    "me {",
  ]);
});

describe("if another user logs in with the same browser,", () => {
  test("the other tabs become that user's at once", async () => {
    const { relay, grace, ada } = await start();
    const context = await openContext();
    const page = await openTab(context, relay);
    await logIn(page, "ada");
    const other = await openTab(context, relay);
    await logIn(other, "grace");
    await expect
      .poll(() => statesOf(page))
      .toEqual([
        { userId: ada, endedBy: null },
        { userId: grace, endedBy: "other-user" },
      ]);
    expect(await stateOf(other)).toEqual({ userId: grace, endedBy: null });
    expect(await Promise.all([whoAmI(page), whoAmI(other)])).toEqual(["grace", "grace"]);
  });

  // By a page of another origin, which the tab does not hear of.
  test.each([
    ["is refused", (server: TestServer) => server.advance(16 * MINUTE)],
    ["is about to expire", (_server: TestServer, page: Page) => page.evaluate(shiftClock(15 * MINUTE))],
  ])("nothing is done as that user when the former token %s", async (_, age) => {
    const { server, relay, grace } = await start();
    const context = await openContext();
    const page = await openTab(context, relay);
    await logIn(page, "ada");
    const headers = { "session-transport": "cookie" };
    const answer = await context.request.post(relay.endpoint, { headers, data: { query: login("grace") } });
    expect(await answer.json()).toMatchObject({ data: { login: { user: { id: grace } } } });
    await age(server, page);

    expect(await attempt(page, 'mutation { changeUsername(username: "countess") { id } }')).toBe(
      "SessionUserChangedError",
    );

    expect(await stateOf(page)).toEqual({ userId: grace, endedBy: "other-user" });
    const names = await server.query("select username from accounts.users order by 1");
    expect(names).toEqual([{ username: "ada" }, { username: "grace" }]);
    expect(await whoAmI(page)).toBe("grace");
  });
});

describe.each([
  ["right", 0],
  ["an hour ahead", HOUR],
  ["a day behind", -24 * HOUR],
])("with a clock that is %s,", (_, offset) => {
  test("a token is used until shortly before it expires, and then refreshed without a refusal", async () => {
    const { relay } = await start();
    const context = await openContext();
    await context.addInitScript(shiftClock(offset));
    const page = await openTab(context, relay);
    await logIn(page, "ada");
    for (const who of [1, 2, 3].map(() => whoAmI(page))) expect(await who).toBe("ada");
    await page.evaluate(shiftClock(14 * MINUTE));
    expect(await whoAmI(page)).toBe("ada");
    expect(relay.refreshes).toBe(0);

    await page.evaluate(shiftClock(MINUTE));
    expect(await whoAmI(page)).toBe("ada");
    expect(relay.refreshes).toBe(1);
    const asked = relay.bodies.filter((body) => body.includes("me {"));
    expect(asked).toHaveLength(5);
  });
});
