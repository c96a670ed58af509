// The refresh token as a cookie: for browsers that ask for it, out of the reach of scripts and of other origins.
import { describe, expect, test } from "vitest";

import { DatabaseProxy } from "../../support/database-proxy.ts";
import type { Answer, GraphQLDoor } from "../../support/graphql.ts";
import { DAY, MINUTE, PASSWORD, startServer, type TestServer } from "../../support/server.ts";
import { expectRefusal } from "../../http/refusal.ts";

const NEW_PASSWORD = "a new battery staple";
const ASKED = { "session-transport": "cookie" };
const ORIGIN = "https://app.example.com";
const PRODUCTION = {
  NODE_ENV: "production",
  CONFIRMATION_URI: `${ORIGIN}/#/finalize`,
  RESET_URI: `${ORIGIN}/#/reset`,
};

interface Cookie {
  name: string;
  value: string;
  attributes: string[];
  expires: number;
}

/** The cookies that an answer sets. */
function allCookiesOf({ headers }: Answer<unknown>): Cookie[] {
  return headers.getSetCookie().map((line) => {
    const [pair = "", ...attributes] = line.split("; ");
    const [name = "", value = ""] = pair.split("=");
    const expires = attributes.find((attribute) => attribute.startsWith("Expires="));
    const others = attributes.filter((attribute) => attribute !== expires).sort();
    return { name, value, attributes: others, expires: Date.parse(expires?.slice("Expires=".length) ?? "") };
  });
}

/** Without the one that marks the device. */
const cookiesOf = (answer: Answer<unknown>) =>
  allCookiesOf(answer).filter(({ name }) => !name.endsWith("device_tokens"));

function cookieOf(answer: Answer<unknown>): Cookie {
  const cookies = cookiesOf(answer);
  expect(cookies).toHaveLength(1);
  return cookies[0]!;
}

const sent = ({ name, value }: Cookie) => ({ ...ASKED, cookie: `theme=dark; ${name}=${value}` });

async function signIn(server: TestServer, username = "ada") {
  const { email } = await server.registerPerson(username);
  const token = await server.confirmationToken(email);
  const answer = await server.with(ASKED).finalizeRegistration({ token });
  return { email, ...server.succeed(answer), cookie: cookieOf(answer) };
}

function expectCleared(answer: Answer<unknown>): void {
  expect(cookieOf(answer)).toMatchObject({
    name: "refresh_token",
    value: "",
    attributes: expect.arrayContaining(["HttpOnly", "Path=/", "SameSite=Strict"]) as string[],
    expires: 0,
  });
}

describe("with the header Session-Transport: cookie,", () => {
  test("the refresh token is a cookie for the server alone, until the session ends, and not in the payload", async () => {
    const server = await startServer();
    const { refreshToken, cookie } = await signIn(server);

    expect(refreshToken).toBeNull();
    expect(cookie).toMatchObject({
      name: "refresh_token",
      value: expect.stringMatching(/^[\w-]{70}$/) as string,
    });
    expect(cookie.attributes).toEqual(["HttpOnly", "Path=/", "SameSite=Strict"]);
    const [session] = await server.query<{ expires_at: Date }>("select expires_at from accounts.sessions");
    expect(Math.abs(cookie.expires - session!.expires_at.getTime())).toBeLessThan(1000);
  });

  test("in production it is Secure and of this host alone", async () => {
    const server = await startServer({ env: PRODUCTION });
    const { accessToken, cookie } = await signIn(server);

    const attributes = ["HttpOnly", "Path=/", "SameSite=Strict", "Secure"];
    expect(cookie).toMatchObject({ name: "__Host-refresh_token", attributes });
    const refreshed = await server.with(sent(cookie)).refreshSession();
    server.succeed(refreshed);
    expect(cookieOf(refreshed)).toMatchObject({ name: "__Host-refresh_token", attributes });
    server.refuse(
      await server.with(sent({ ...cookieOf(refreshed), name: "refresh_token" })).refreshSession(),
      "INVALID_TOKEN",
    );
    const loggedOut = cookieOf(await server.with(sent(cookie)).as(accessToken).logout());
    expect(loggedOut).toMatchObject({ name: "__Host-refresh_token", value: "", expires: 0 });
    expect(loggedOut.attributes).toEqual(expect.arrayContaining(attributes));
  });

  test("whatever signs in sets it", async () => {
    const server = await startServer();
    const { email, accessToken } = await signIn(server);
    const login = `mutation { login(username: "ada", password: "${PASSWORD}") { refreshToken } }`;
    const change = `mutation { changePassword(currentPassword: "${PASSWORD}", newPassword: "${NEW_PASSWORD}") { refreshToken } }`;

    const bearer = { authorization: `Bearer ${accessToken}` };
    const answers: Answer<unknown>[] = [await server.with(ASKED).execute(login)];
    answers.push(await server.with({ ...ASKED, ...bearer }).execute(change));
    const token = await server.askForReset(email);
    answers.push(await server.with(ASKED).finalizeReset({ token, password: NEW_PASSWORD }));
    const again = server.succeed(await server.login({ username: "ada", password: NEW_PASSWORD }));
    const link = await server.askForEmailChange(again, "lovelace@example.com", NEW_PASSWORD);
    answers.push(await server.with(ASKED).finalizeEmailChange({ token: link, password: NEW_PASSWORD }));

    for (const answer of answers) {
      server.succeed(answer);
      const { value } = cookieOf(answer);
      expect(value).toMatch(/^[\w-]{70}$/);
      expect(answer.text).not.toContain(value);
    }
  });

  test("two people who share a browser are known to it, each by a mark that outlives the session", async () => {
    const server = await startServer({ env: PRODUCTION });
    const people = [await server.activePerson("ada"), await server.activePerson("grace")];
    let cookie = "";
    for (const person of people) {
      const answer = await server.with({ ...ASKED, cookie }).login(person);
      expect(server.succeed(answer).deviceToken).toBeNull();
      const mark = allCookiesOf(answer).find(({ name }) => name === "__Host-device_tokens")!;
      expect(mark.attributes).toEqual([
        "HttpOnly",
        "Max-Age=34560000",
        "Path=/",
        "SameSite=Strict",
        "Secure",
      ]);
      cookie = `${mark.name}=${mark.value}`;
    }

    expect(cookie.split(".")).toHaveLength(2);
    const again = await server.with({ ...ASKED, cookie }).login(people[0]);
    const [first, second] = cookie.split("=")[1]!.split(".");
    expect(allCookiesOf(again).find(({ name }) => name === "__Host-device_tokens")!.value).toBe(
      `${second}.${first}`,
    );
  });

  test("refreshSession takes it and rotates it", async () => {
    const server = await startServer();
    const { cookie } = await signIn(server);
    server.advance(MINUTE);

    const answer = await server.with(sent(cookie)).refreshSession();

    expect(server.succeed(answer).refreshToken).toBeNull();
    const next = cookieOf(answer);
    expect(next.value).not.toBe(cookie.value);
    expect(next.expires).toBeGreaterThan(cookie.expires);
    server.succeed(await server.with(sent(next)).refreshSession());
  });

  const ENDINGS: [string, (door: GraphQLDoor) => Promise<Answer<unknown>>][] = [
    ["logout", (door) => door.logout()],
    ["logoutEverywhere", (door) => door.execute("mutation { logoutEverywhere { message } }")],
    [
      "deleteAccount",
      (door) => door.execute(`mutation { deleteAccount(password: "${PASSWORD}") { message } }`),
    ],
  ];

  test.each(ENDINGS)("%s clears it", async (_, end) => {
    const server = await startServer();
    const { accessToken, cookie } = await signIn(server);
    const answer = await end(server.with(sent(cookie)).as(accessToken));
    server.succeed(answer);
    expectCleared(answer);
    server.refuse(await server.with(sent(cookie)).refreshSession(), "INVALID_TOKEN");
  });

  test.each(ENDINGS)("%s spares the one of another user, who has logged in since", async (_, end) => {
    const server = await startServer();
    const ada = await signIn(server);
    const bob = await signIn(server, "bob");
    const answer = await end(server.with(sent(bob.cookie)).as(ada.accessToken));
    server.succeed(answer);
    expect(cookiesOf(answer)).toEqual([]);
    const refreshed = await server.with(sent(bob.cookie)).refreshSession();
    expect(server.succeed(refreshed).user.username).toBe("bob");
  });

  test("a refusal to refresh clears it", async () => {
    const server = await startServer({ env: { SESSION_IDLE_DAYS: "1" } });
    const { cookie } = await signIn(server);
    server.advance(DAY + MINUTE);

    for (const headers of [sent(cookie), ASKED]) {
      const answer = await server.with(headers).refreshSession();
      server.refuse(answer, "INVALID_TOKEN");
      expectCleared(answer);
    }
  });

  test("a fault of ours leaves it for the next try", async () => {
    const server = await startServer({ env: { LOG_LEVEL: "silent" } });
    const { cookie } = await signIn(server);
    await server.query("alter table accounts.sessions rename to hidden");

    const answer = await server.with(sent(cookie)).refreshSession();

    server.refuse(answer, "INTERNAL_SERVER_ERROR");
    expect(cookiesOf(answer)).toEqual([]);
    await server.query("alter table accounts.hidden rename to sessions");
    server.succeed(await server.with(sent(cookie)).refreshSession());
  });

  test("an outage of the database leaves it for the next try", async () => {
    const { proxy, databaseUrl } = await DatabaseProxy.start();
    const server = await startServer({ env: { LOG_LEVEL: "silent" }, databaseUrl });
    const { cookie } = await signIn(server);
    proxy.cut();

    const answer = await server.with(sent(cookie)).refreshSession();

    server.refuse(answer, "SERVICE_UNAVAILABLE");
    expect(cookiesOf(answer)).toEqual([]);
    proxy.mend();
    const codes = async () => (await server.with(sent(cookie)).refreshSession()).errors;
    await expect.poll(codes).toEqual([]);
  });
});

test.each([{}, { "session-transport": "body" }, { "session-transport": "Cookie, cookie" }])(
  "with the headers %j the cookie counts for nothing, and none is set or cleared",
  async (headers) => {
    const server = await startServer();
    const { cookie } = await signIn(server);

    const answer = await server.with({ cookie: sent(cookie).cookie, ...headers }).refreshSession();

    server.refuse(answer, "INVALID_TOKEN");
    const inPayload = await server.login({ username: "ada", password: PASSWORD });
    expect(server.succeed(inPayload).refreshToken).toMatch(/^[\w-]{70}$/);
    const byArgument = await server
      .with(headers)
      .refreshSession({ refreshToken: inPayload.data!.refreshToken });
    expect(server.succeed(byArgument).refreshToken).toMatch(/^[\w-]{70}$/);
    for (const each of [answer, inPayload, byArgument]) expect(cookiesOf(each)).toEqual([]);
    server.succeed(await server.with(sent(cookie)).refreshSession());
  },
);

test("the cookie signs nobody in", async () => {
  const server = await startServer();
  const { cookie } = await signIn(server);
  expect(server.succeed(await server.with(sent(cookie)).me())).toBeNull();
  server.refuse(
    await server.with(sent(cookie)).execute("mutation { logout { message } }"),
    "UNAUTHENTICATED",
  );
});

describe("a page of another origin", () => {
  const preflight = (origin: string): RequestInit => ({
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type,session-transport",
    },
  });

  test("may not send the header where no origin is configured", async () => {
    const server = await startServer();
    const answer = await server.send(preflight("https://evil.example"));
    expectRefusal(answer, 405);
    expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control-allow"))).toEqual([]);
  });

  test("may not send it unless it is configured, and then with the cookie", async () => {
    const server = await startServer({ env: { CORS_ORIGINS: ORIGIN } });
    const { headers } = await fetch(`${server.url}/graphql`, preflight(ORIGIN));
    expect(headers.get("access-control-allow-origin")).toBe(ORIGIN);
    expect(headers.get("access-control-allow-headers")?.toLowerCase()).toContain("session-transport");
    expect(headers.get("access-control-allow-credentials")).toBe("true");

    const foreign = await fetch(`${server.url}/graphql`, preflight("https://evil.example"));
    expect(foreign.headers.has("access-control-allow-origin")).toBe(false);
  });

  test.each(["application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "text/plain"])(
    "changes nothing by a form of type %s, which needs no leave",
    async (type) => {
      const server = await startServer();
      const { cookie } = await signIn(server);
      const body = JSON.stringify({ query: "mutation { refreshSession { accessToken } }" });
      const answer = await server.send({
        method: "POST",
        headers: { "content-type": type, cookie: sent(cookie).cookie, origin: "https://evil.example" },
        body,
      });
      expectRefusal(answer, 415);
      server.succeed(await server.with(sent(cookie)).refreshSession());
    },
  );
});
