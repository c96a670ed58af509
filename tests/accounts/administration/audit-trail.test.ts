// What is written down of an account's life: everything that happened, nothing that did not, and for good.
import { describe, expect, test } from "vitest";

import { runDailyJob } from "../../support/run-daily-job.ts";
import { whileHeld } from "../../support/hold-back.ts";
import type { Answer, Output } from "../../support/graphql.ts";
import {
  DAY,
  PASSWORD,
  sharedServer,
  startServer,
  type ActivePerson,
  type TestServer,
} from "../../support/server.ts";

const NEW_PASSWORD = "a new battery staple";
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
  "Version/18.0 Mobile/15E148 Safari/604.1";

/** All events as they are stored, the earliest first: `type by actor`, with how often it occurred if more than once. */
async function trail(server: TestServer, userId?: string): Promise<string[]> {
  const rows = await server.query<{ type: string; actor: string; count: number }>(
    "select type, actor, count from accounts.account_events where $1::uuid is null or user_id = $1 order by id",
    [userId ?? null],
  );
  return rows.map(({ type, actor, count }) => `${type} by ${actor}${count > 1 ? ` x ${count}` : ""}`);
}

async function activity(
  server: TestServer,
  { accessToken }: { accessToken: string },
): Promise<Output<"AccountEvent">[]> {
  return server.succeed(await server.as(accessToken).recentActivity()).edges.map(({ node }) => node);
}

interface Cast {
  server: TestServer;
  ada: ActivePerson;
  root: ActivePerson;
}
type Step = (cast: Cast) => Promise<unknown>;

const done = async (server: TestServer, answer: Promise<Answer<unknown>>) => server.succeed(await answer);
const requestChange: Step = async ({ server, ada }) => {
  const args = { newEmail: `new-${ada.email}`, password: PASSWORD };
  return done(server, server.as(ada.accessToken).requestEmailChange(args));
};
const changeEmail: Step = async (cast) => {
  await requestChange(cast);
  const { server, ada } = cast;
  const token = await server.mailedToken(`new-${ada.email}`, /confirm your new email address/i);
  return done(server, server.as(ada.accessToken).finalizeEmailChange({ token }));
};
const deleteAccount: Step = ({ server, ada }) =>
  done(server, server.as(ada.accessToken).deleteAccount({ password: PASSWORD }));
const requestReset: Step = ({ server, ada }) => done(server, server.requestReset({ email: ada.email }));
const finalizeReset: Step = async (cast) => {
  await requestReset(cast);
  const { server, ada } = cast;
  const token = await server.resetToken(ada.email);
  return done(server, server.finalizeReset({ token, password: NEW_PASSWORD }));
};
const login: Step = ({ server, ada }) =>
  done(server, server.login({ username: ada.username, password: PASSWORD }));

const decideAboutEmail =
  (operation: "retryEmail" | "discardEmail"): Step =>
  async ({ server, ada, root }) => {
    const [mail] = await server.query<{ id: string }>(
      `update accounts_queue.job set state = 'failed'
       where id = (select id from accounts_queue.job where data->>'userId' = $1 limit 1) returning id`,
      [ada.id],
    );
    return done(server, server.as(root.accessToken)[operation]({ id: mail!.id }));
  };

/** What each use case, done to an active account, adds to its trail. */
const steps: Record<string, { step: Step; events: string[] }> = {
  login: { step: login, events: ["LOGGED_IN by OWNER"] },
  "a login with a wrong password": {
    step: async ({ server, ada }) =>
      server.refuse(await server.login({ username: ada.email, password: "wrong" }), "INVALID_CREDENTIALS"),
    events: ["LOGIN_FAILED by ANYONE"],
  },
  refreshSession: { step: ({ server, ada }) => done(server, server.refreshSession(ada)), events: [] },
  "a spent refresh token that comes again": {
    step: async ({ server, ada }) => {
      const { refreshToken } = server.succeed(await server.refreshSession(ada));
      await done(server, server.refreshSession({ refreshToken }));
      server.refuse(await server.refreshSession(ada), "INVALID_TOKEN");
    },
    events: ["REFRESH_TOKEN_REUSED by ANYONE"],
  },
  logout: {
    step: ({ server, ada }) => done(server, server.as(ada.accessToken).logout()),
    events: ["LOGGED_OUT by OWNER"],
  },
  logoutEverywhere: {
    step: ({ server, ada }) => done(server, server.as(ada.accessToken).logoutEverywhere()),
    events: ["SESSIONS_ENDED by OWNER"],
  },
  revokeSession: {
    step: async ({ server, ada }) => {
      const [session] = server.succeed(await server.as(ada.accessToken).sessions());
      return done(server, server.as(ada.accessToken).revokeSession({ id: session!.id }));
    },
    events: ["SESSION_REVOKED by OWNER"],
  },
  requestReset: { step: requestReset, events: ["RESET_REQUESTED by ANYONE"] },
  finalizeReset: { step: finalizeReset, events: ["RESET_REQUESTED by ANYONE", "PASSWORD_RESET by OWNER"] },
  changePassword: {
    step: ({ server, ada }) => {
      const args = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
      return done(server, server.as(ada.accessToken).changePassword(args));
    },
    events: ["PASSWORD_CHANGED by OWNER"],
  },
  requestEmailChange: { step: requestChange, events: ["EMAIL_CHANGE_REQUESTED by OWNER"] },
  finalizeEmailChange: {
    step: changeEmail,
    events: ["EMAIL_CHANGE_REQUESTED by OWNER", "EMAIL_CHANGED by OWNER"],
  },
  "the undo of a change of address": {
    step: async (cast) => {
      await changeEmail(cast);
      const token = await cast.server.mailedToken(cast.ada.email, /your email address .* was changed/i);
      return done(cast.server, cast.server.finalizeEmailChange({ token }));
    },
    events: ["EMAIL_CHANGE_REQUESTED by OWNER", "EMAIL_CHANGED by OWNER", "EMAIL_CHANGE_UNDONE by OWNER"],
  },
  "a mailed link with a wrong password": {
    step: async (cast) => {
      await requestChange(cast);
      const { server, ada } = cast;
      const token = await server.emailChangeToken(`new-${ada.email}`);
      const answer = await server.finalizeEmailChange({ token, password: "wrong" });
      server.refuse(answer, "INVALID_CREDENTIALS");
    },
    events: ["EMAIL_CHANGE_REQUESTED by OWNER", "PASSWORD_REFUSED by ANYONE"],
  },
  endEmailChangeUndo: {
    step: async (cast) => {
      const { server, ada } = cast;
      const { accessToken } = (await changeEmail(cast)) as Output<"AuthPayload">;
      return done(server, server.as(accessToken).endEmailChangeUndo(ada));
    },
    events: [
      "EMAIL_CHANGE_REQUESTED by OWNER",
      "EMAIL_CHANGED by OWNER",
      "EMAIL_CHANGE_UNDO_ENDING by OWNER",
    ],
  },
  confirmPassword: {
    step: ({ server, ada }) => done(server, server.as(ada.accessToken).confirmPassword(ada)),
    events: ["PASSWORD_CONFIRMED by OWNER"],
  },
  changeUsername: {
    step: ({ server, ada }) =>
      done(server, server.as(ada.accessToken).changeUsername({ username: `${ada.username}-2` })),
    events: ["USERNAME_CHANGED by OWNER"],
  },
  exportAccount: {
    step: ({ server, ada }) => done(server, server.as(ada.accessToken).exportAccount({ password: PASSWORD })),
    events: ["EXPORTED by OWNER"],
  },
  deleteAccount: { step: deleteAccount, events: ["DELETION_REQUESTED by OWNER"] },
  "a login that restores": {
    step: async (cast) => {
      await deleteAccount(cast);
      await login(cast);
    },
    events: ["DELETION_REQUESTED by OWNER", "RESTORED by OWNER", "LOGGED_IN by OWNER"],
  },
  "a reset that restores": {
    step: async (cast) => {
      await deleteAccount(cast);
      await finalizeReset(cast);
    },
    events: [
      "DELETION_REQUESTED by OWNER",
      "RESET_REQUESTED by ANYONE",
      "RESTORED by OWNER",
      "PASSWORD_RESET by OWNER",
    ],
  },
  "an undo that restores": {
    step: async (cast) => {
      const { server, ada } = cast;
      await changeEmail(cast);
      const { accessToken } = server.succeed(
        await server.login({ username: ada.username, password: PASSWORD }),
      );
      await deleteAccount({ ...cast, ada: { ...ada, accessToken } });
      const token = await server.mailedToken(ada.email, /your email address .* was changed/i);
      return done(server, server.finalizeEmailChange({ token }));
    },
    events: [
      "EMAIL_CHANGE_REQUESTED by OWNER",
      "EMAIL_CHANGED by OWNER",
      "LOGGED_IN by OWNER",
      "DELETION_REQUESTED by OWNER",
      "RESTORED by OWNER",
      "EMAIL_CHANGE_UNDONE by OWNER",
    ],
  },
  retryEmail: { step: decideAboutEmail("retryEmail"), events: ["EMAIL_RETRIED by ADMIN"] },
  discardEmail: { step: decideAboutEmail("discardEmail"), events: ["EMAIL_DISCARDED by ADMIN"] },
  setUserRoles: {
    step: ({ server, ada, root }) =>
      done(server, server.as(root.accessToken).setUserRoles({ id: ada.id, roles: ["USER"] })),
    events: ["ROLES_CHANGED by ADMIN"],
  },
  deactivateUser: {
    step: ({ server, ada, root }) => done(server, server.as(root.accessToken).deactivateUser({ id: ada.id })),
    events: ["DEACTIVATED by ADMIN"],
  },
  reactivateUser: {
    step: ({ server, ada, root }) => done(server, server.as(root.accessToken).reactivateUser({ id: ada.id })),
    events: ["REACTIVATED by ADMIN"],
  },
  endUserSessions: {
    step: ({ server, ada, root }) =>
      done(server, server.as(root.accessToken).endUserSessions({ id: ada.id })),
    events: ["SESSIONS_ENDED by ADMIN"],
  },
};

describe("each use case leaves its events", () => {
  const shared = sharedServer();
  let root: Promise<ActivePerson> | undefined;

  test.each(Object.entries(steps))("%s", async (name, { step, events }) => {
    const server = shared();
    const admin = await (root ??= server.admin());
    const username = `ada-${Object.keys(steps).indexOf(name)}`;
    const ada = await server.activePerson(username);

    await step({ server, ada, root: admin });

    expect(await trail(server, ada.id)).toEqual(["REGISTERED by ANYONE", "ACTIVATED by OWNER", ...events]);
    const shown = server.succeed(await server.as(admin.accessToken).accountEvents({ userId: ada.id })).edges;
    const ids: Record<string, string | null> = { ANYONE: null, OWNER: ada.id, ADMIN: admin.id };
    for (const { node } of shown) {
      expect(node).toMatchObject({ address: "127.0.0.1", device: "node", actorId: ids[node.actor] });
    }
  });

  test("resendRegistration", async () => {
    const server = shared();
    const { email, username } = await server.registerPerson("pending");
    server.succeed(await server.resendRegistration({ email }));
    const [row] = await server.query<{ id: string }>("select id from accounts.users where username = $1", [
      username,
    ]);
    expect(await trail(server, row!.id)).toEqual([
      "REGISTERED by ANYONE",
      "CONFIRMATION_REQUESTED by ANYONE",
    ]);
  });

  test("an administrator's own account is the owner's", async () => {
    const server = shared();
    const { id, accessToken } = await server.admin("second");
    server.succeed(await server.as(accessToken).endUserSessions({ id }));
    expect((await trail(server, id)).at(-1)).toBe("SESSIONS_ENDED by OWNER");
  });
});

describe("what is refused leaves no event but", () => {
  const shared = sharedServer();

  test("that a password was refused", async () => {
    const server = shared();
    const { id, accessToken } = await server.activePerson("ada");
    server.refuse(await server.as(accessToken).exportAccount({ password: "wrong" }), "INVALID_CREDENTIALS");
    server.refuse(await server.as(accessToken).deleteAccount({ password: "wrong" }), "INVALID_CREDENTIALS");
    expect((await trail(server, id)).slice(2)).toEqual(["PASSWORD_REFUSED by OWNER x 2"]);
  });

  test("that a login failed, whoever tried", async () => {
    const server = shared();
    await server.registerPerson("pending");
    const before = await trail(server);
    server.refuse(await server.login({ username: "pending", password: PASSWORD }), "ACCOUNT_NOT_ACTIVATED");
    server.refuse(
      await server.login({ username: "nobody@example.com", password: PASSWORD }),
      "INVALID_CREDENTIALS",
    );
    expect((await trail(server)).slice(before.length)).toEqual([
      "LOGIN_FAILED by ANYONE",
      "LOGIN_FAILED by ANYONE",
    ]);
  });

  test("the one that an administrator deactivated the account, who logs in in vain", async () => {
    const server = shared();
    const { accessToken } = await server.admin();
    const { id } = await server.activePerson("out");
    server.succeed(await server.as(accessToken).deactivateUser({ id }));
    server.refuse(await server.login({ username: "out", password: PASSWORD }), "ACCOUNT_DEACTIVATED");
    expect((await trail(server, id)).slice(2)).toEqual(["DEACTIVATED by ADMIN", "LOGIN_FAILED by ANYONE"]);
  });

  test("nothing else", async () => {
    const server = shared();
    const root = await server.admin("last");
    await server.query("update accounts.users set roles = '{USER}' where username <> 'last'");
    const grace = await server.activePerson("grace");
    const { accessToken } = grace;
    const before = await trail(server);

    const weak = { currentPassword: PASSWORD, newPassword: "short" };
    const taken = { newEmail: root.email, password: PASSWORD };
    server.refuse(await server.register(root), "USERNAME_TAKEN");
    server.refuse(await server.requestReset({ email: "nobody@example.com" }), "EMAIL_NOT_FOUND");
    server.refuse(await server.resendRegistration({ email: grace.email }), "ALREADY_ACTIVATED");
    server.refuse(await server.finalizeRegistration({ token: accessToken }), "INVALID_TOKEN");
    server.refuse(await server.finalizeEmailChange({ token: accessToken }), "INVALID_TOKEN");
    server.refuse(await server.refreshSession({ refreshToken: "unknown" }), "INVALID_TOKEN");
    server.refuse(await server.as(accessToken).revokeSession({ id: crypto.randomUUID() }), "NOT_FOUND");
    server.refuse(await server.as(accessToken).changePassword(weak), "WEAK_PASSWORD");
    server.refuse(await server.as(accessToken).requestEmailChange(taken), "EMAIL_TAKEN");
    server.refuse(await server.as(accessToken).changeUsername({ username: "last" }), "USERNAME_TAKEN");
    server.refuse(await server.as(accessToken).deactivateUser({ id: root.id }), "FORBIDDEN");
    server.refuse(
      await server.as(root.accessToken).setUserRoles({ id: root.id, roles: ["USER"] }),
      "LAST_ADMIN",
    );
    server.refuse(await server.as(root.accessToken).deactivateUser({ id: root.id }), "LAST_ADMIN");
    server.refuse(await server.as(root.accessToken).deleteAccount({ password: PASSWORD }), "LAST_ADMIN");

    expect(await trail(server)).toEqual(before);
  });
});

test("nothing happens whose event cannot be written", async () => {
  const server = await startServer({ env: { LOG_LEVEL: "silent" } });
  const root = await server.admin();
  const ada = await server.activePerson("ada");
  await server.query("alter table accounts.account_events add constraint closed check (false) not valid");
  await server.mailsSettled();
  const everything = async () => ({
    ...(await server.state()),
    sessions: await server.query("select id, expires_at from accounts.sessions order by id"),
    changes: await server.query("select id from accounts.email_changes"),
  });
  const before = await everything();

  // Those of one operation that leaves an event; the others need an earlier one to succeed.
  const single = Object.entries(steps).filter(([name]) => !/ |refreshSession|finalize/.test(name));
  for (const [name, { step }] of single) await expect(step({ server, ada, root }), name).rejects.toThrow();

  expect(await everything()).toEqual(before);
});

test("what was written cannot be rewritten", async () => {
  const server = await startServer();
  await server.activePerson("ada");
  const before = await trail(server);
  for (const change of [
    "type = 'LOGGED_IN'",
    "address = null",
    "occurred_at = now()",
    "user_id = null",
    "count = 5",
  ]) {
    const update = server.query(`update accounts.account_events set ${change}`);
    await expect(update).rejects.toThrow("account_events is append-only");
  }
  expect(await trail(server)).toEqual(before);
});

test("a failed login by a name that nobody has is kept without a user and without the name", async () => {
  const server = await startServer();
  server.refuse(
    await server.login({ username: "a-password-typed-here", password: PASSWORD }),
    "INVALID_CREDENTIALS",
  );
  const [event, ...more] = await server.query<{ row: string }>(
    "select user_id, type, actor, actor_id, address, e::text as row from accounts.account_events e",
  );
  expect(more).toEqual([]);
  expect(event).toMatchObject({
    user_id: null,
    type: "LOGIN_FAILED",
    actor: "ANYONE",
    actor_id: null,
    address: "127.0.0.1",
  });
  expect(event!.row).not.toContain("typed");
});

test.each<[string, (server: TestServer) => Promise<Answer<unknown>>, string | null]>([
  ["a login", (server) => server.login({ username: "ada", password: "wrong" }), "INVALID_CREDENTIALS"],
  ["a request to reset", (server) => server.requestReset({ email: "ada@example.com" }), null],
  ["a request for a link", (server) => server.resendRegistration({ email: "ada@example.com" }), null],
])("%s while another registration replaces the account is no fault of ours", async (_, request, code) => {
  const server = await startServer({ env: { HIDE_ACCOUNT_EXISTENCE: "true" } });
  await server.registerPerson("ada");
  await server.mailsSettled();

  // As register replaces a pending account; the request has found it by then.
  const [answer] = await whileHeld(server, "delete from accounts.users", () => request(server));

  if (code === null) server.succeed(answer);
  else server.refuse(answer, code);
});

describe("recentActivity", () => {
  test("is one's own, the latest first, with time, address and device", async () => {
    const server = await startServer();
    await server.activePerson("grace");
    server.freezeAt(new Date("2026-11-24T09:30:00Z"));
    const person = { username: "ada", email: "ada@example.com", password: PASSWORD };
    server.succeed(await server.with({ "user-agent": FIREFOX }).register(person));
    const token = await server.confirmationToken(person.email);
    server.freezeAt(new Date("2026-11-24T09:31:00Z"));
    const ada = server.succeed(await server.finalizeRegistration({ token }));

    const common = { id: expect.stringMatching(/^\d+$/) as string, address: "127.0.0.1" };
    expect(await activity(server, ada)).toEqual([
      {
        ...common,
        ...{ type: "ACTIVATED", occurredAt: "2026-11-24T09:31:00.000Z", device: "node" },
        ...{ actor: "OWNER", actorId: ada.user.id, count: 1, lastOccurredAt: "2026-11-24T09:31:00.000Z" },
      },
      {
        ...common,
        ...{ type: "REGISTERED", occurredAt: "2026-11-24T09:30:00.000Z", device: "Firefox on Linux" },
        ...{ actor: "ANYONE", actorId: null, count: 1, lastOccurredAt: "2026-11-24T09:30:00.000Z" },
      },
    ]);
  });

  test("is a list in pages, which repeats and skips nothing when more happens meanwhile", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    for (let count = 0; count < 3; count += 1)
      server.succeed(await server.login({ username: "ada", password: PASSWORD }));

    const types: string[] = [];
    const flags: boolean[] = [];
    let after: string | null = null;
    do {
      const answer = await server.as(ada.accessToken).recentActivity({ first: 2, after });
      const { edges, pageInfo }: NonNullable<typeof answer.data> = server.succeed(answer);
      types.push(...edges.map(({ node }) => node.type));
      flags.push(pageInfo.hasNextPage);
      after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
      server.succeed(await server.login({ username: "ada", password: PASSWORD }));
    } while (after !== null);

    expect(types).toEqual(["LOGGED_IN", "LOGGED_IN", "LOGGED_IN", "ACTIVATED", "REGISTERED"]);
    expect(flags).toEqual([true, true, false]);
  });

  test("is refused without a token", async () => {
    const server = await startServer();
    server.refuse(await server.as("no token").recentActivity(), "UNAUTHENTICATED");
  });
});

test("the daily job drops the months that are older than AUDIT_RETENTION_DAYS, and makes those to come", async () => {
  const server = await startServer({ env: { AUDIT_RETENTION_DAYS: "100" } });
  await server.activePerson("ada");
  const months = async () =>
    (
      await server.query<{ month: string }>(
        `select right(relname, 7) as month from pg_class where relname ~ '^account_events_\\d{4}_\\d\\d$' order by 1`,
      )
    ).map(({ month }) => month);
  const month = (days: number) =>
    new Date(Date.now() - days * DAY).toISOString().slice(0, 7).replace("-", "_");
  const added = (days: number, type: string) =>
    server.query(
      `insert into accounts.account_events (user_id, type, occurred_at, actor, month)
       select id, $2, at, 'OWNER', date_trunc('month', at) from accounts.users, (select now() - make_interval(days => $1) as at) as old`,
      [days, type],
    );
  const madeFor = (days: number) =>
    server.query(
      "select accounts.make_event_month(date_trunc('month', now() - make_interval(days => $1))::date)",
      [days],
    );
  await madeFor(200);
  await madeFor(99);
  await added(200, "LOGGED_IN");
  await added(300, "LOGGED_IN"); // of a month that nobody has made
  await added(99, "LOGGED_OUT");
  const [next] = (await months()).slice(-1);
  await server.query(`drop table accounts.account_events_${next!}`);

  await runDailyJob(server);

  expect(await trail(server)).toEqual(["REGISTERED by ANYONE", "ACTIVATED by OWNER", "LOGGED_OUT by OWNER"]);
  expect(await months()).not.toContain(month(200));
  expect(await months()).toContain(month(99));
  expect((await months()).at(-1)).toBe(next);
});

test("logins go on while the daily job makes and drops months", async () => {
  const server = await startServer();
  await server.activePerson("ada");
  const attempts = Array.from({ length: 5 }, async () => {
    await server.query("select accounts.make_event_month('2020-01-01')");
    const logins = Array.from({ length: 10 }, () => server.login({ username: "ada", password: PASSWORD }));
    await server.query("select accounts.keep_event_months(365)");
    return Promise.all(logins);
  });
  for (const answer of (await Promise.all(attempts)).flat()) server.succeed(answer);
});

describe("the address", () => {
  const FORWARDED = { "x-forwarded-for": "203.0.113.7" };

  async function addressBehind(env: Record<string, string>, headers: Record<string, string>) {
    const server = await startServer({ env });
    const person = { username: "ada", email: "ada@example.com", password: PASSWORD };
    server.succeed(await server.with(headers).register(person));
    const [event] = await server.query("select address from accounts.account_events");
    return event!["address"];
  }

  test.each([
    { proxies: "", address: "127.0.0.1" },
    { proxies: "10.0.0.0/8", address: "127.0.0.1" },
    { proxies: "127.0.0.1", address: "203.0.113.7" },
    { proxies: "10.0.0.0/8, 127.0.0.0/8", address: "203.0.113.7" },
  ])("with TRUSTED_PROXIES=$proxies is $address", async ({ proxies, address }) => {
    expect(await addressBehind({ TRUSTED_PROXIES: proxies }, FORWARDED)).toBe(address);
  });

  test("is the last one that no trusted proxy has, whatever the client claims", async () => {
    const env = { TRUSTED_PROXIES: "127.0.0.1,10.0.0.1" };
    const claimed = { "x-forwarded-for": "198.51.100.1, 203.0.113.7, 10.0.0.1" };
    expect(await addressBehind(env, claimed)).toBe("203.0.113.7");
  });
});

test.each([
  { agent: FIREFOX, device: "Firefox on Linux" },
  { agent: IPHONE, device: "Safari on iOS" },
  { agent: "curl/8.5.0", device: "curl/8.5.0" },
  { agent: "x".repeat(2000), device: "x".repeat(256) },
])("the device is what people know it by, if it is known: $device", async ({ agent, device }) => {
  const server = await startServer();
  const { email } = await server.registerPerson("ada");
  const token = await server.confirmationToken(email);
  const ada = server.succeed(await server.with({ "user-agent": agent }).finalizeRegistration({ token }));
  expect((await activity(server, ada))[0]!.device).toBe(device);
});
