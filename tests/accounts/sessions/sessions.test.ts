// The devices that are signed in: how their tokens rotate, when they end, and that nothing of them works from then on.
import { describe, expect, test } from "vitest";

import { runDailyJob } from "../../support/run-daily-job.ts";
import { meetAt, tally } from "../../support/hold-back.ts";
import type { Output } from "../../support/graphql.ts";
import {
  DAY,
  MINUTE,
  PASSWORD,
  sharedServer,
  startServer,
  type ActivePerson,
  type TestServer,
} from "../../support/server.ts";

const NEW_PASSWORD = "a new battery staple";
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

interface Tokens {
  accessToken: string;
  refreshToken: string | null;
}

async function signIn(
  server: TestServer,
  { username, password }: ActivePerson,
): Promise<Output<"AuthPayload">> {
  return server.succeed(await server.login({ username, password }));
}

async function refresh(server: TestServer, { refreshToken }: Tokens): Promise<Output<"AuthPayload">> {
  return server.succeed(await server.refreshSession({ refreshToken }));
}

async function expectAlive(server: TestServer, tokens: Tokens): Promise<void> {
  expect(server.succeed(await server.as(tokens.accessToken).me())).not.toBeNull();
  await refresh(server, tokens);
}

async function expectEnded(server: TestServer, ...ended: Tokens[]): Promise<void> {
  for (const { accessToken, refreshToken } of ended) {
    server.refuse(await server.as(accessToken).me(), "UNAUTHENTICATED");
    server.refuse(await server.refreshSession({ refreshToken }), "INVALID_TOKEN");
  }
}

async function currentId(server: TestServer, { accessToken }: Tokens): Promise<string> {
  const sessions = server.succeed(await server.as(accessToken).sessions());
  return sessions.find(({ current }) => current)!.id;
}

const storedSessions = (server: TestServer) => server.query("select id from accounts.sessions");
const eventTypes = async (server: TestServer) =>
  (await server.query("select type from accounts.account_events order by id")).map(({ type }) => type);

describe("refreshSession", () => {
  test("answers with a new pair of tokens of the same session, and the new ones do so again", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    server.advance(MINUTE);

    const second = await refresh(server, ada);
    server.advance(MINUTE);
    const third = await refresh(server, second);

    expect(new Set([ada, second, third].map(({ refreshToken }) => refreshToken)).size).toBe(3);
    expect(third.user).toMatchObject({ id: ada.id, username: "ada" });
    expect(await currentId(server, third)).toBe(await currentId(server, ada));
    expect(await storedSessions(server)).toHaveLength(1);
  });

  test("makes signing in last while access tokens expire", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    server.advance(16 * MINUTE);
    server.refuse(await server.as(ada.accessToken).me(), "UNAUTHENTICATED");

    const { accessToken, expiresAt } = await refresh(server, ada);

    server.succeed(await server.as(accessToken).me());
    expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(30 * MINUTE);
  });

  test("answers a token that comes again with the same successor, however much later, until that is used", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const first = await refresh(server, ada);
    server.advance(DAY);

    const again = await refresh(server, ada);

    expect(again.refreshToken).toBe(first.refreshToken);
    await expectAlive(server, again);
    expect(await storedSessions(server)).toHaveLength(1);
  });

  test("ends the whole session when a token comes again after its successor was used, and no other", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const other = await signIn(server, ada);
    const tab = await refresh(server, ada);
    const newest = await refresh(server, tab);

    server.refuse(await server.refreshSession(ada), "INVALID_TOKEN");

    await expectEnded(server, ada, tab, newest);
    await expectAlive(server, other);
    const [event] = server.succeed(await server.as(other.accessToken).recentActivity()).edges;
    expect(event!.node).toMatchObject({ type: "REFRESH_TOKEN_REUSED", actor: "ANYONE", actorId: null });
  });

  test("twice at once with one token answers both alike", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");

    const answers = await meetAt(
      server,
      "sessions",
      () => server.refreshSession(ada),
      () => server.refreshSession(ada),
    );

    const [first, second] = answers.map((answer) => server.succeed(answer));
    expect(first!.refreshToken).toBe(second!.refreshToken);
    await expectAlive(server, second!);
    expect(await storedSessions(server)).toHaveLength(1);
  });

  describe("refuses", () => {
    const shared = sharedServer();

    test.each<[string, { refreshToken?: string | null }]>([
      ["none", {}],
      ["null", { refreshToken: null }],
      ["an empty one", { refreshToken: "" }],
      ["one that was never issued", { refreshToken: "A".repeat(70) }],
      ["one of a former version", { refreshToken: "A".repeat(43) }],
    ])("%s", async (_, args) => {
      expect(shared().refuse(await shared().refreshSession(args), "INVALID_TOKEN").extensions.field).toBe(
        "refreshToken",
      );
    });

    test("what cannot be one", async () => {
      shared().refuse(await shared().refreshSession({ refreshToken: "a\0b" }), "BAD_USER_INPUT");
    });

    test("an access token, and is refused where one belongs", async () => {
      const server = shared();
      const { accessToken, refreshToken } = await server.activePerson("ada");
      server.refuse(await server.refreshSession({ refreshToken: accessToken }), "INVALID_TOKEN");
      server.refuse(await server.as(refreshToken).me(), "UNAUTHENTICATED");
    });
  });
});

describe("a session ends", () => {
  const endings: Record<
    string,
    (server: TestServer, ada: ActivePerson, other: Output<"AuthPayload">) => Promise<unknown>
  > = {
    "by logout": async (server, ada) => server.succeed(await server.as(ada.accessToken).logout()),
    "by logoutEverywhere on another device": async (server, _, other) =>
      server.succeed(await server.as(other.accessToken).logoutEverywhere()),
    "by revokeSession on another device": async (server, ada, other) =>
      server.succeed(await server.as(other.accessToken).revokeSession({ id: await currentId(server, ada) })),
    "by revokeSession of its own": async (server, ada) =>
      server.succeed(await server.as(ada.accessToken).revokeSession({ id: await currentId(server, ada) })),
    "by a reset": async (server, { email }) => {
      const token = await server.askForReset(email);
      server.succeed(await server.finalizeReset({ token, password: NEW_PASSWORD }));
    },
    "by changePassword on another device": async (server, ada, other) =>
      server.succeed(
        await server.as(other.accessToken).changePassword({
          currentPassword: ada.password,
          newPassword: NEW_PASSWORD,
        }),
      ),
    "with its user's deletion": async (server, ada, other) =>
      server.succeed(await server.as(other.accessToken).deleteAccount({ password: ada.password })),
    "with its user's deactivation": async (server, ada) => {
      const { accessToken } = await server.admin();
      server.succeed(await server.as(accessToken).deactivateUser({ id: ada.id }));
    },
    "by endUserSessions": async (server, ada) => {
      const { accessToken } = await server.admin();
      server.succeed(await server.as(accessToken).endUserSessions({ id: ada.id }));
    },
    "with its user's row": async (server, { id }) =>
      server.query("delete from accounts.users where id = $1", [id]),
  };

  test.each(Object.keys(endings))("%s, at the next request", async (ending) => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const spare = await refresh(server, ada);
    const other = await signIn(server, ada);

    await endings[ending]!(server, ada, other);

    await expectEnded(server, ada, spare);
    server.refuse(await server.as(ada.accessToken).sessions(), "UNAUTHENTICATED");
    server.refuse(await server.as(ada.accessToken).logout(), "UNAUTHENTICATED");
  });

  test.each([
    ["logout", (server: TestServer, { accessToken }: Tokens) => server.as(accessToken).logout()],
    [
      "revokeSession",
      async (server: TestServer, tokens: Tokens) =>
        server.as(tokens.accessToken).revokeSession({ id: await currentId(server, tokens) }),
    ],
  ])("by %s alone, not the others of its user", async (_, end) => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const other = await signIn(server, ada);

    server.succeed(await end(server, ada));

    await expectEnded(server, ada);
    await expectAlive(server, other);
  });

  test("by logoutEverywhere with all of its user's, and nobody else's", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const other = await signIn(server, ada);
    const grace = await server.activePerson("grace");

    server.succeed(await server.as(ada.accessToken).logoutEverywhere());

    await expectEnded(server, ada, other);
    await expectAlive(server, grace);
  });

  test("when it was not refreshed for SESSION_IDLE_DAYS", async () => {
    const server = await startServer({ env: { SESSION_IDLE_DAYS: "2", ACCESS_TOKEN_MINUTES: "10000" } });
    const ada = await server.activePerson("ada");
    server.advance(2 * DAY - MINUTE);
    const kept = await refresh(server, ada);
    server.advance(2 * DAY - MINUTE);
    server.succeed(await server.as(kept.accessToken).me());
    server.advance(2 * MINUTE);

    await expectEnded(server, kept);

    const again = await signIn(server, ada);
    expect(server.succeed(await server.as(again.accessToken).sessions())).toHaveLength(1);
  });

  test("SESSION_MAX_DAYS after it was opened, however much it is used", async () => {
    const server = await startServer({ env: { SESSION_IDLE_DAYS: "2", SESSION_MAX_DAYS: "3" } });
    let tokens: Tokens = await server.activePerson("ada");
    for (const passed of [DAY, DAY, DAY - MINUTE]) {
      server.advance(passed);
      tokens = await refresh(server, tokens);
    }
    server.advance(2 * MINUTE);

    await expectEnded(server, tokens);
  });

  test("and its rows go with the daily job", async () => {
    const server = await startServer({ env: { SESSION_IDLE_DAYS: "1" } });
    const ada = await server.activePerson("ada");
    server.advance(DAY + MINUTE);
    const kept = await signIn(server, ada);

    await runDailyJob(server);

    expect(await storedSessions(server)).toHaveLength(1);
    await expectAlive(server, kept);
  });

  test("and its rows go with the daily job when there are more than it removes at once", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    await server.query(
      `insert into accounts.sessions (id, user_id, created_at, last_used_at, expires_at)
       select gen_random_uuid(), $1, now() - interval '40 days', now() - interval '40 days', now() - n % 3 * interval '1 day'
       from generate_series(1, 25000) as n`,
      [ada.id],
    );

    await runDailyJob(server);

    expect(await storedSessions(server)).toHaveLength(1);
    await expectAlive(server, ada);
  });
});

describe("revokeSession", () => {
  test.each(["another user's", "an unknown", "a malformed", "an ended"])(
    "knows nothing of %s session",
    async (whose) => {
      const server = await startServer();
      const ada = await server.activePerson("ada");
      const grace = await server.activePerson("grace");
      const ended = await signIn(server, ada);
      const ids: Record<string, string> = {
        "another user's": await currentId(server, grace),
        "an unknown": crypto.randomUUID(),
        "a malformed": "' or 1=1",
        "an ended": await currentId(server, ended),
      };
      server.succeed(await server.as(ended.accessToken).logout());
      const before = await eventTypes(server);

      server.refuse(await server.as(ada.accessToken).revokeSession({ id: ids[whose]! }), "NOT_FOUND");

      await expectAlive(server, grace);
      expect(await eventTypes(server)).toEqual(before);
    },
  );
});

describe("sessions", () => {
  test("lists the devices, the one used last first, and says which is this one", async () => {
    const server = await startServer();
    const { email } = await server.registerPerson("ada");
    const opened = new Date();
    server.freezeAt(opened);
    const token = await server.confirmationToken(email);
    const browser = server.succeed(
      await server.with({ "user-agent": FIREFOX }).finalizeRegistration({ token }),
    );
    const used = new Date(opened.getTime() + MINUTE);
    server.freezeAt(used);
    const program = server.succeed(await server.login({ username: "ada", password: PASSWORD }));
    const list = async ({ accessToken }: Tokens) => server.succeed(await server.as(accessToken).sessions());
    const id = expect.stringMatching(/^[0-9a-f-]{36}$/) as string;
    const common = { id, address: "127.0.0.1" };
    const firefox = { ...common, device: "Firefox on Linux", createdAt: opened.toISOString() };
    const node = { ...common, device: "node", createdAt: used.toISOString(), lastUsedAt: used.toISOString() };

    expect(await list(program)).toEqual([
      { ...node, current: true },
      { ...firefox, lastUsedAt: opened.toISOString(), current: false },
    ]);

    const later = new Date(used.getTime() + MINUTE);
    server.freezeAt(later);
    const refreshed = await refresh(server, browser);
    expect(await list(refreshed)).toEqual([
      { ...firefox, lastUsedAt: later.toISOString(), current: true },
      { ...node, current: false },
    ]);
  });

  test("are at most 100: of more, the one used least recently ends", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const oldest = await signIn(server, ada);
    await server.query(
      `insert into accounts.sessions (id, user_id, created_at, last_used_at, expires_at)
       select gen_random_uuid(), user_id, created_at, last_used_at, expires_at
         from accounts.sessions, generate_series(1, 49)`,
    );
    server.advance(MINUTE);
    const refreshed = await refresh(server, ada);
    await server.query(
      "update accounts.sessions set last_used_at = last_used_at - interval '1 minute' where id = $1",
      [await currentId(server, oldest)],
    );

    const newest = await signIn(server, ada);

    expect(server.succeed(await server.as(newest.accessToken).sessions())).toHaveLength(100);
    await expectEnded(server, oldest);
    for (const tokens of [refreshed, newest]) await expectAlive(server, tokens);
  });

  test("is refused without a token", async () => {
    const server = await startServer();
    for (const field of ["{ sessions { id } }", "mutation { logout { message } }"])
      server.refuse(await server.execute(field), "UNAUTHENTICATED");
  });
});

test("refresh tokens cannot be guessed from one another, and are stored nowhere", async () => {
  const server = await startServer();
  const ada = await server.activePerson("ada");
  const { refreshToken } = await refresh(server, ada);
  await server.mailsSettled();
  expect(refreshToken).toMatch(/^[\w-]{70}$/);

  // The session's ID and the number of the token are no secret; the code after them is.
  const [content, code] = [ada.refreshToken.slice(0, 27), ada.refreshToken.slice(27)];
  for (const forged of [refreshToken!.slice(0, 27) + code, content + refreshToken!.slice(27)])
    server.refuse(await server.refreshSession({ refreshToken: forged }), "INVALID_TOKEN");
  const tables = await server.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname in ('accounts', 'accounts_queue')`,
  );
  for (const { name } of tables) {
    const rows = await server.query<{ row: string }>(`select t::text as row from ${name} t`);
    for (const { row } of rows) {
      expect(row, name).not.toContain(refreshToken);
      expect(row, name).not.toContain(ada.refreshToken);
    }
  }
});

describe("at the same moment,", () => {
  test("logins with the old password and a reset leave the session of the new password alone", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const token = await server.askForReset(ada.email);

    const [before, reset, after] = await meetAt(
      server,
      "users",
      () => server.login({ username: "ada", password: PASSWORD }),
      () => server.finalizeReset({ token, password: NEW_PASSWORD }),
      () => server.login({ username: "ada", password: PASSWORD }),
    );

    const { accessToken } = server.succeed(reset);
    expect(server.succeed(await server.as(accessToken).sessions()).map(({ current }) => current)).toEqual([
      true,
    ]);
    for (const { data } of [before, after]) if (data) await expectEnded(server, data);
  });

  test("a refresh and the new password of the same session leave the tokens of the new password alone", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const args = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };

    const [change, refreshed] = await meetAt(
      server,
      "sessions",
      () => server.as(ada.accessToken).changePassword(args),
      () => server.refreshSession(ada),
    );

    if (refreshed.data) await expectEnded(server, refreshed.data);
    else server.refuse(refreshed, "INVALID_TOKEN");
    await expectAlive(server, server.succeed(change));
  });

  const enders: Record<
    string,
    (server: TestServer, tokens: Tokens, id: string) => Promise<{ errors: unknown }>
  > = {
    logout: (server, { accessToken }) => server.as(accessToken).logout(),
    logoutEverywhere: (server, { accessToken }) => server.as(accessToken).logoutEverywhere(),
    revokeSession: (server, { accessToken }, id) => server.as(accessToken).revokeSession({ id }),
    refreshSession: (server, { refreshToken }) => server.refreshSession({ refreshToken }),
  };

  test.each(Object.keys(enders))(
    "%s that ends a session and a new password that ends it are no fault of ours",
    async (ender) => {
      const server = await startServer();
      const ada = await server.activePerson("ada");
      const id = await currentId(server, ada);
      const other = await signIn(server, ada);
      await refresh(server, await refresh(server, ada));
      const args = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };

      const answers = await meetAt(
        server,
        "sessions",
        () => enders[ender]!(server, ada, id),
        () => server.as(other.accessToken).changePassword(args),
      );

      expect(["done", "INVALID_TOKEN", "UNAUTHENTICATED", "NOT_FOUND"]).toEqual(
        expect.arrayContaining(Object.keys(tally(answers as never))),
      );
      await expectEnded(server, ada);
    },
  );

  test("one session revoked twice is revoked once", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const id = await currentId(server, await signIn(server, ada));

    const answers = await meetAt(
      server,
      "sessions",
      () => server.as(ada.accessToken).revokeSession({ id }),
      () => server.as(ada.accessToken).revokeSession({ id }),
    );

    expect(tally(answers)).toEqual({ done: 1, NOT_FOUND: 1 });
    expect((await eventTypes(server)).filter((type) => type === "SESSION_REVOKED")).toHaveLength(1);
  });

  test("a refresh and the end of its session end it", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");

    const [refreshed] = await meetAt(
      server,
      "sessions",
      () => server.refreshSession(ada),
      () => server.as(ada.accessToken).logout(),
    );

    if (refreshed.data) await expectEnded(server, refreshed.data);
    else server.refuse(refreshed, "INVALID_TOKEN");
    expect(await storedSessions(server)).toEqual([]);
  });
});
