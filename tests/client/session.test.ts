// The client package without a browser: a session by tokens, in a storage that the caller gives.
import { describe, expect, test } from "vitest";

import {
  createSession,
  SessionUserChangedError,
  type AuthPayload,
  type Session,
  type SessionState,
  type TokenStorage,
} from "../../client/session.ts";
import { Relay } from "../support/relay.ts";
import { MINUTE, PASSWORD, startServer, type ActivePerson, type TestServer } from "../support/server.ts";

const AUTH = "{ accessToken expiresAt refreshToken user { id } }";

interface Answer {
  readonly data?: Record<string, Record<string, unknown> | null> | null;
  readonly errors?: readonly { extensions: { code: string } }[];
}

/** A storage that answers later, as those of phones do. */
class SlowStorage implements TokenStorage {
  readonly items = new Map<string, string>();
  getItem = (name: string) => Promise.resolve(this.items.get(name) ?? null);
  setItem = (name: string, value: string) => Promise.resolve(this.items.set(name, value));
  removeItem = (name: string) => Promise.resolve(this.items.delete(name));
}

/** A session with what it has told so far. */
class Watched {
  readonly session: Session;
  readonly states: SessionState[] = [];

  constructor(relay: Relay, storage?: TokenStorage) {
    this.session = createSession({ url: relay.endpoint, ...(storage && { storage }) });
    this.session.subscribe((state) => this.states.push(state));
  }

  async ask(query: string, headers = {}): Promise<Answer> {
    const answer = await this.session.fetch(this.session.url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ query }),
    });
    return (await answer.json()) as Answer;
  }

  async logIn(username: string): Promise<void> {
    const { data } = await this.ask(
      `mutation { login(username: "${username}", password: "${PASSWORD}") ${AUTH} }`,
    );
    await this.session.begin(data!["login"] as unknown as AuthPayload);
  }

  async whoAmI(): Promise<unknown> {
    const { data } = await this.ask("{ me { username } }");
    return data?.["me"]?.["username"];
  }
}

async function start(): Promise<{
  server: TestServer;
  relay: Relay;
  ada: ActivePerson;
  grace: ActivePerson;
}> {
  const server = await startServer();
  const [ada, grace] = await Promise.all([server.activePerson("ada"), server.activePerson("grace")]);
  return { server, relay: await Relay.start(server), ada, grace };
}

const codesOf = ({ errors = [] }: Answer) => errors.map(({ extensions }) => extensions.code);

describe("a session in a storage", () => {
  test("is restored by whoever has the storage", async () => {
    const { relay, ada } = await start();
    const storage = new SlowStorage();
    await new Watched(relay, storage).logIn("ada");
    const later = new Watched(relay, storage);
    expect(later.session.state).toEqual({ userId: null, endedBy: null });
    expect(await later.session.restore()).toEqual({ userId: ada.id, endedBy: null });
    expect(later.states).toEqual([{ userId: ada.id, endedBy: null }]);
    expect(await later.whoAmI()).toBe("ada");
  });

  test("needs the refresh token that the storage is for", async () => {
    const { server, relay } = await start();
    const { session, states } = new Watched(relay);
    const payload = server.succeed(await server.login({ username: "ada", password: PASSWORD }));
    const without = { ...payload, refreshToken: null };
    await expect(session.begin(without)).rejects.toThrow(/^Select refreshToken/);
    expect(states).toEqual([]);
  });

  test("is refreshed once for all requests, which wait for it", async () => {
    const { server, relay } = await start();
    const watched = new Watched(relay, new SlowStorage());
    await watched.logIn("ada");
    server.advance(16 * MINUTE);
    const answers = await Promise.all(Array.from({ length: 20 }, () => watched.whoAmI()));
    expect(answers).toEqual(Array(20).fill("ada"));
    expect(relay.refreshes).toBe(1);
    expect(watched.states).toHaveLength(1);
  });

  test("gives other services a token that is good, and null to a visitor", async () => {
    const { server, relay } = await start();
    const watched = new Watched(relay);
    expect(await watched.session.accessToken()).toBeNull();
    await watched.logIn("ada");
    const token = await watched.session.accessToken();
    expect(server.succeed(await server.as(token!).me())).toMatchObject({ username: "ada" });
  });

  test("ends by a logout, here and at the server", async () => {
    const { server, relay } = await start();
    const storage = new SlowStorage();
    const watched = new Watched(relay, storage);
    await watched.logIn("ada");
    const token = await watched.session.accessToken();
    await watched.session.end();
    expect(watched.session.state).toEqual({ userId: null, endedBy: "logout" });
    expect(storage.items.size).toBe(0);
    server.refuse(await server.as(token!).me(), "UNAUTHENTICATED");
    expect(await watched.whoAmI()).toBeUndefined();
    await watched.logIn("ada");
    expect(watched.session.state).toMatchObject({ endedBy: null });
  });

  test("is over once the server refuses to refresh it, and asks no more", async () => {
    const { server, relay, ada } = await start();
    const storage = new SlowStorage();
    const watched = new Watched(relay, storage);
    await watched.logIn("ada");
    server.succeed(await server.as(ada.accessToken).logoutEverywhere());
    expect(codesOf(await watched.ask("{ me { username } }"))).toEqual(["UNAUTHENTICATED"]);
    expect(watched.states.at(-1)).toEqual({ userId: null, endedBy: "server" });
    expect(storage.items.size).toBe(0);
    expect(await watched.session.restore()).toEqual({ userId: null, endedBy: "server" });
    expect(relay.refreshes).toBe(1);
  });

  test("is over for whoever shares the storage, after a logout there", async () => {
    const { server, relay } = await start();
    const storage = new SlowStorage();
    const one = new Watched(relay, storage);
    await one.logIn("ada");
    const other = new Watched(relay, storage);
    await other.session.restore();
    await one.session.end();
    server.advance(16 * MINUTE);
    expect(codesOf(await other.ask("{ me { username } }"))).toEqual(["UNAUTHENTICATED"]);
    expect(other.session.state).toEqual({ userId: null, endedBy: "logout" });
  });

  test("does nothing as another user whose token has come into the storage", async () => {
    const { server, relay, ada, grace } = await start();
    const storage = new SlowStorage();
    const one = new Watched(relay, storage);
    await one.logIn("ada");
    const other = new Watched(relay, storage);
    await other.logIn("grace");
    server.advance(16 * MINUTE);
    const changes = ["countess", "lovelace"].map((username) =>
      one.ask(`mutation { changeUsername(username: "${username}") { id } }`),
    );
    for (const change of changes) {
      await expect(change).rejects.toEqual(new SessionUserChangedError(grace.id));
    }
    expect(one.states).toEqual([
      { userId: ada.id, endedBy: null },
      { userId: grace.id, endedBy: "other-user" },
    ]);
    expect(await server.query("select username from accounts.users order by 1")).toEqual([
      { username: "ada" },
      { username: "grace" },
    ]);
    expect(await one.whoAmI()).toBe("grace");
  });

  test("stays one user's in a fetch for that user, also after another has logged in", async () => {
    const { relay, ada, grace } = await start();
    const watched = new Watched(relay);
    await watched.logIn("ada");
    const fetchAsAda = watched.session.fetchAs(ada.id);
    await watched.logIn("grace");
    await expect(fetchAsAda(relay.endpoint)).rejects.toEqual(new SessionUserChangedError(grace.id));
    expect(await watched.whoAmI()).toBe("grace");
  });

  test("stays what somebody made of it while a refresh was on its way", async () => {
    const { server, relay, grace } = await start();
    const storage = new SlowStorage();
    const watched = new Watched(relay, storage);
    const refreshWhile = async (act: () => Promise<void>): Promise<void> => {
      const answer = Promise.withResolvers();
      relay.hold = answer.promise;
      const refresh = watched.session.refresh();
      await act();
      answer.resolve(undefined);
      await refresh;
    };
    const graces = server.succeed(await server.login(grace));

    await watched.logIn("ada");
    await refreshWhile(() => watched.session.begin(graces));
    expect(watched.session.state).toEqual({ userId: grace.id, endedBy: null });
    expect([...storage.items.values()]).toEqual([graces.refreshToken]);
    await refreshWhile(() => watched.session.forget());
    expect(watched.session.state).toEqual({ userId: null, endedBy: "logout" });
    expect(storage.items.size).toBe(0);
  });

  test("of one user does not meet that of another in the same process", async () => {
    const { server, relay } = await start();
    const people = [new Watched(relay), new Watched(relay)] as const;
    await people[0].logIn("ada");
    await people[1].logIn("grace");
    server.advance(16 * MINUTE);
    expect(await Promise.all(people.map((each) => each.whoAmI()))).toEqual(["ada", "grace"]);
  });
});

describe("a session goes on", () => {
  test("after the answer of a refresh was lost", async () => {
    const { server, relay, ada } = await start();
    const watched = new Watched(relay);
    await watched.logIn("ada");
    server.advance(16 * MINUTE);
    relay.make({ with: /refreshSession/, times: 1 });
    await expect(watched.whoAmI()).rejects.toThrow(TypeError);
    expect(watched.session.state).toEqual({ userId: ada.id, endedBy: null });
    expect(await watched.whoAmI()).toBe("ada");
    const events = await server.query(
      "select 1 from accounts.account_events where type = 'REFRESH_TOKEN_REUSED'",
    );
    expect(events).toEqual([]);
  });

  test.each([
    ["a proxy has no server", 502, "text/html", "<h1>Bad Gateway</h1>", /502/],
    [
      "the database does not answer",
      200,
      "application/json",
      '{"data":null,"errors":[{"message":"The service is not available.","extensions":{"code":"SERVICE_UNAVAILABLE"}}]}',
      /^The session could not be refreshed: The service is not available\.$|^Logging out failed: The service is not available\.$/,
    ],
  ])("while %s", async (_, status, type, body, message) => {
    const { server, relay } = await start();
    const watched = new Watched(relay);
    await watched.logIn("ada");
    server.advance(16 * MINUTE);
    relay.make({ with: /refreshSession|logout/, times: 2, answer: { status, type, body } });
    await expect(watched.session.refresh()).rejects.toThrow(message);
    await expect(watched.session.end()).rejects.toThrow(message);
    expect(watched.states).toHaveLength(1);
    expect(await watched.whoAmI()).toBe("ada");
  });

  test("while it is not known whether there is one", async () => {
    const { relay, ada } = await start();
    const storage = new SlowStorage();
    await new Watched(relay, storage).logIn("ada");
    const { session } = new Watched(relay, storage);
    relay.make({ with: /refreshSession/, times: 1 });
    await expect(session.restore()).rejects.toThrow(TypeError);
    expect(session.state).toEqual({ userId: null, endedBy: null });
    expect(await session.restore()).toMatchObject({ userId: ada.id });
  });
});

describe("a request", () => {
  test("is sent again for a mailed link that takes an expired token for none", async () => {
    const { server, relay, ada } = await start();
    const watched = new Watched(relay);
    await watched.logIn("ada");
    const token = await server.askForEmailChange(ada, "lovelace@example.com");
    server.advance(16 * MINUTE);
    const answer = await watched.ask(`mutation { finalizeEmailChange(token: "${token}") ${AUTH} }`);
    expect(codesOf(answer)).toEqual([]);
    await watched.session.begin(answer.data!["finalizeEmailChange"] as unknown as AuthPayload);
    expect(await watched.whoAmI()).toBe("ada");
  });

  test("is not sent again if a part of it was done", async () => {
    const { server, relay } = await start();
    const watched = new Watched(relay);
    await watched.logIn("ada");
    server.advance(16 * MINUTE);
    const body =
      '{"data":{"requestReset":{"message":"Done."},"logout":null},"errors":[{"message":"","extensions":{"code":"UNAUTHENTICATED"}}]}';
    relay.make({ with: /requestReset/, times: 1, answer: { status: 200, type: "application/json", body } });
    const partly = await watched.ask(
      'mutation { requestReset(email: "grace@example.com") { message } logout { message } }',
    );
    expect(codesOf(partly)).toEqual(["UNAUTHENTICATED"]);
    expect(relay.bodies.filter((each) => each.includes("requestReset"))).toHaveLength(1);
  });

  test("with an Authorization header is sent as it is", async () => {
    const { server, relay } = await start();
    const watched = new Watched(relay);
    await watched.logIn("ada");
    const answer = await watched.ask("{ me { username } }", { authorization: "Bearer of something else" });
    expect(codesOf(answer)).toEqual(["UNAUTHENTICATED"]);
    const authorization = `Bearer ${await server.askForReset("ada@example.com")}`;
    const reset = await watched.ask(`mutation { finalizeReset(password: "a new battery staple") ${AUTH} }`, {
      authorization,
    });
    expect(codesOf(reset)).toEqual([]);
    expect(relay.refreshes).toBe(0);
  });

  test("to anywhere else is not sent at all", async () => {
    const { relay } = await start();
    const { session } = new Watched(relay);
    await expect(session.fetch(`${relay.url}/readyz`)).rejects.toThrow(
      /^session\.fetch sends the access token to .* alone, not to/,
    );
    expect(relay.bodies).toEqual([]);
  });

  test("can be a Request, and can be given up", async () => {
    const { server, relay } = await start();
    const watched = new Watched(relay);
    await watched.logIn("ada");
    server.advance(16 * MINUTE);
    const init = {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"query":"{ me { username } }"}',
    };
    const answer = await watched.session.fetch(new Request(relay.endpoint, init));
    expect(await answer.json()).toEqual({ data: { me: { username: "ada" } } });
    const given = watched.session.fetch(relay.endpoint, { ...init, signal: AbortSignal.abort() });
    await expect(given).rejects.toMatchObject({ name: "AbortError" });
  });
});
