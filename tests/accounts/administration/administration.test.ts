// What administrators see and do, and nobody else.
import { describe, expect, test } from "vitest";

import { meetAt, tally } from "../../support/hold-back.ts";
import type { Answer } from "../../support/graphql.ts";
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
const BOTH = ["USER", "ADMIN"];

type Operation = (server: TestServer, accessToken: string, id: string) => Promise<Answer<unknown>>;
const reading: Record<string, Operation> = {
  user: (server, token, id) => server.as(token).user({ id }),
  accountEvents: (server, token, id) => server.as(token).accountEvents({ userId: id }),
};
const writing: Record<string, Operation> = {
  setUserRoles: (server, token, id) => server.as(token).setUserRoles({ id, roles: BOTH }),
  deactivateUser: (server, token, id) => server.as(token).deactivateUser({ id }),
  reactivateUser: (server, token, id) => server.as(token).reactivateUser({ id }),
  endUserSessions: (server, token, id) => server.as(token).endUserSessions({ id }),
  retryEmail: (server, token, id) => server.as(token).retryEmail({ id }),
  discardEmail: (server, token, id) => server.as(token).discardEmail({ id }),
};
const ofOne = { ...reading, ...writing };
const all: Record<string, Operation> = {
  users: (server, token) => server.as(token).users(),
  queuedEmails: (server, token) => server.as(token).queuedEmails(),
  queuedEmailCounts: (server, token) => server.as(token).queuedEmailCounts(),
  ...ofOne,
};

/** Adds users as if they had registered one after the other, a second apart. */
async function insertUsers(server: TestServer, names: string[]): Promise<void> {
  await server.query(
    `insert into accounts.users (id, username, email, password_hash, roles, is_active, credential_version, created_at, updated_at)
     select gen_random_uuid(), name, name || '@example.com', '-', '{USER}', true, 2, at, at
       from unnest($1::text[]) with ordinality as given (name, n),
            lateral (select timestamptz '2026-01-01' + n * interval '1 second' as at) as made`,
    [names],
  );
}

interface PageOfNames {
  names: string[];
  after: string | null;
}

async function page(
  server: TestServer,
  { accessToken }: ActivePerson,
  args: { first?: number; after?: string | null; search?: string },
): Promise<PageOfNames> {
  const { edges, pageInfo } = server.succeed(await server.as(accessToken).users(args));
  expect(pageInfo).toEqual({
    hasNextPage: pageInfo.hasNextPage,
    hasPreviousPage: args.after != null,
    startCursor: edges[0]?.cursor ?? null,
    endCursor: edges.at(-1)?.cursor ?? null,
  });
  return {
    names: edges.map(({ node }) => node.username),
    after: pageInfo.hasNextPage ? pageInfo.endCursor : null,
  };
}

describe("who is no administrator", () => {
  const shared = sharedServer();

  test.each(Object.keys(all))("is refused %s", async (name) => {
    const server = shared();
    const { id, accessToken } = await server.activePerson(`user-${name}`);
    server.refuse(await all[name]!(server, accessToken, id), "FORBIDDEN");
    server.refuse(await all[name]!(server, "no token", id), "UNAUTHENTICATED");
    const [row] = await server.query("select roles::text, deactivated_at from accounts.users where id = $1", [
      id,
    ]);
    expect(row).toEqual({ roles: "{USER}", deactivated_at: null });
  });

  test("is told so without any token", async () => {
    const server = shared();
    server.refuse(await server.execute("{ users { edges { cursor } } }"), "UNAUTHENTICATED");
  });
});

describe("of an id that nobody has", () => {
  const shared = sharedServer();

  test.each(Object.keys(ofOne))("%s knows nothing", async (name) => {
    const { accessToken } = await shared().admin(name);
    for (const id of [crypto.randomUUID(), "1", "", "' or 1=1"])
      shared().refuse(await ofOne[name]!(shared(), accessToken, id), "NOT_FOUND");
  });
});

test("user shows anybody, whatever the account's state", async () => {
  const server = await startServer();
  const root = await server.admin();
  const ada = await server.activePerson("ada");
  await server.registerPerson("pending");
  const [pending] = await server.query<{ id: string }>("select id from accounts.users where not is_active");

  const show = async (id: string) => server.succeed(await server.as(root.accessToken).user({ id }));

  expect(await show(ada.id)).toMatchObject({ id: ada.id, username: "ada", email: ada.email, isActive: true });
  expect(await show(pending!.id)).toMatchObject({ username: "pending", isActive: false });
});

test("user shows that an account is deleted, and until when it can be restored", async () => {
  const server = await startServer();
  const root = await server.admin();
  const ada = await server.activePerson("ada");
  const eraseAt = async () =>
    server.succeed(await server.as(root.accessToken).user({ id: ada.id }))?.eraseAt ?? null;
  expect(await eraseAt()).toBeNull();
  server.freezeAt(new Date("2026-11-24T09:30:00Z"));

  const { accessToken } = server.succeed(await server.login({ username: "ada", password: PASSWORD }));
  server.succeed(await server.as(accessToken).deleteAccount({ password: PASSWORD }));

  expect(await eraseAt()).toBe("2026-12-24T09:30:00.000Z");
});

describe("users", () => {
  test("is a list in pages, in the order of registration, also within one millisecond", async () => {
    const server = await startServer();
    await insertUsers(server, ["e1", "d2", "c3", "b4", "a5"]);
    await server.query(
      "update accounts.users set created_at = '2026-01-01T00:00:03Z' where username in ('d2', 'b4')",
    );
    const root = await server.admin();

    const names: string[] = [];
    let after: string | null = null;
    let pages = 0;
    do {
      const next = await page(server, root, { first: 2, after });
      expect(next.names.length).toBeLessThanOrEqual(2);
      names.push(...next.names);
      after = next.after;
      pages += 1;
    } while (after !== null);

    expect(pages).toBe(3);
    expect([names[0], ...names.slice(1, 4).sort(), ...names.slice(4)]).toEqual([
      "e1",
      "b4",
      "c3",
      "d2",
      "a5",
      "root",
    ]);
    expect(new Set(names).size).toBe(names.length);
  });

  test("repeats and skips nobody when users come and go between its pages", async () => {
    const server = await startServer();
    const root = await server.admin();
    await insertUsers(server, ["u1", "u2", "u3", "u4", "u5"]);
    const first = await page(server, root, { first: 2 });
    expect(first.names).toEqual(["u1", "u2"]);

    await server.query("delete from accounts.users where username in ('u1', 'u2', 'u3')");
    await server.registerPerson("late");
    const second = await page(server, root, { first: 2, after: first.after });
    const third = await page(server, root, { first: 2, after: second.after });

    expect(second.names).toEqual(["u4", "u5"]);
    expect(third).toEqual({ names: ["root", "late"], after: null });
  });

  test("has an end that is an empty page", async () => {
    const server = await startServer();
    const root = await server.admin();
    const { edges } = server.succeed(await server.as(root.accessToken).users());
    expect(await page(server, root, { after: edges.at(-1)!.cursor })).toEqual({ names: [], after: null });
  });

  test("gives 20 unless asked for another number, at most 100", async () => {
    const server = await startServer();
    const root = await server.admin();
    await insertUsers(
      server,
      Array.from({ length: 100 }, (_, index) => `user-${index}`),
    );
    expect((await page(server, root, {})).names).toHaveLength(20);
    expect((await page(server, root, { first: 100 })).names).toHaveLength(100);
  });

  describe("looks for the beginning of names and addresses", () => {
    const shared = sharedServer();
    let root: Promise<ActivePerson> | undefined;
    const admin = () => (root ??= prepare(shared()));
    async function prepare(server: TestServer): Promise<ActivePerson> {
      await insertUsers(server, ["Ada", "adam", "bob", "a_a", "a.b", "50-50"]);
      await server.query("update accounts.users set email = 'Adele%50@example.com' where username = 'bob'");
      return server.admin();
    }

    test.each<[string, string[]]>([
      ["ad", ["Ada", "adam", "bob"]],
      ["ADA", ["Ada", "adam"]],
      ["ada@", ["Ada"]],
      ["adele%", ["bob"]],
      ["da", []],
      ["%", []],
      ["_", []],
      ["a_", ["a_a"]],
      ["a%", []],
      ["\\", []],
      ["a\\", []],
      ["'", []],
      ["nobody", []],
      ["", ["Ada", "adam", "bob", "a_a", "a.b", "50-50", "root"]],
    ])("%j", async (search, names) => {
      expect((await page(shared(), await admin(), { search })).names).toEqual(names);
    });

    test("in pages too", async () => {
      const first = await page(shared(), await admin(), { search: "a", first: 3 });
      const second = await page(shared(), await admin(), { search: "a", first: 3, after: first.after });
      expect([...first.names, ...second.names]).toEqual(["Ada", "adam", "bob", "a_a", "a.b"]);
    });

    test("but not what no name can hold", async () => {
      const { accessToken } = await admin();
      shared().refuse(await shared().as(accessToken).users({ search: "a\0" }), "BAD_USER_INPUT");
    });
  });
});

describe("a list refuses", () => {
  const shared = sharedServer();
  let root: Promise<ActivePerson> | undefined;
  const admin = () => (root ??= shared().admin());
  const cursor = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const id = "00000000-0000-4000-8000-000000000000";
  const lists: Record<string, (paging: { first?: number; after?: string }) => Promise<Answer<unknown>>> = {
    users: async (paging) =>
      shared()
        .as((await admin()).accessToken)
        .users(paging),
    accountEvents: async (paging) =>
      shared()
        .as((await admin()).accessToken)
        .accountEvents({ userId: (await admin()).id, ...paging }),
    recentActivity: async (paging) =>
      shared()
        .as((await admin()).accessToken)
        .recentActivity(paging),
  };

  describe.each(Object.keys(lists))("%s", (list) => {
    test.each([0, -1, 101, 2_147_483_647])("of %i", async (first) => {
      const error = shared().refuse(await lists[list]!({ first }), "BAD_USER_INPUT");
      expect(error.extensions.field).toBe("first");
    });

    test.each([
      "",
      "x",
      "ÿ\0",
      cursor(null),
      cursor({}),
      cursor([]),
      cursor(["yesterday", id]),
      cursor(["2026-01-01T00:00:00.000Z", "no id"]),
      cursor(["2026-13-01T00:00:00.000Z", id]),
      cursor(["0000-01-01T00:00:00.000Z", id]),
      cursor(["+275760-09-13T00:00:00.000Z", id]),
      cursor(["2026-01-01T00:00:00.000Z", id, id]),
      cursor([1, id]),
      cursor(1),
      cursor("-1"),
      cursor("1; select"),
      cursor("9".repeat(19)),
    ])("after %j", async (after) => {
      const error = shared().refuse(await lists[list]!({ after }), "BAD_USER_INPUT");
      expect(error.extensions.field).toBe("after");
    });
  });
});

describe("setUserRoles", () => {
  test("takes effect at the user's next request, in both directions", async () => {
    const server = await startServer();
    const root = await server.admin();
    const ada = await server.activePerson("ada");

    const promoted = server.succeed(
      await server.as(root.accessToken).setUserRoles({ id: ada.id, roles: ["ADMIN", "USER", "ADMIN"] }),
    );
    expect(promoted).toMatchObject({ id: ada.id, roles: BOTH });
    expect(server.succeed(await server.as(ada.accessToken).me())?.roles).toEqual(BOTH);
    server.succeed(await server.as(ada.accessToken).users());

    server.succeed(await server.as(root.accessToken).setUserRoles({ id: ada.id, roles: ["USER"] }));
    server.refuse(await server.as(ada.accessToken).users(), "FORBIDDEN");
    expect(server.succeed(await server.as(ada.accessToken).me())?.roles).toEqual(["USER"]);
  });

  test("wants at least one role, and a known one", async () => {
    const server = await startServer();
    const { accessToken, id } = await server.admin();
    const error = server.refuse(
      await server.as(accessToken).setUserRoles({ id, roles: [] }),
      "BAD_USER_INPUT",
    );
    expect(error.extensions.field).toBe("roles");
    const answer = await server.as(accessToken).setUserRoles({ id, roles: ["GOD"] });
    expect(answer.errors[0]?.extensions.code).toBe("BAD_USER_INPUT");
  });
});

describe("the last administrator", () => {
  const steps: Record<string, Operation> = {
    "losing the role": (server, token, id) => server.as(token).setUserRoles({ id, roles: ["USER"] }),
    "being deactivated": (server, token, id) => server.as(token).deactivateUser({ id }),
  };

  test.each(Object.keys(steps))("is kept from %s, until there is another who can sign in", async (step) => {
    const server = await startServer();
    const root = await server.admin();
    const refused = () => steps[step]!(server, root.accessToken, root.id);
    server.refuse(await refused(), "LAST_ADMIN");

    const gone = await server.admin("gone");
    server.succeed(await server.as(gone.accessToken).deleteAccount({ password: PASSWORD }));
    server.refuse(await refused(), "LAST_ADMIN");
    const deactivated = await server.admin("deactivated");
    server.succeed(await server.as(root.accessToken).deactivateUser({ id: deactivated.id }));
    server.refuse(await refused(), "LAST_ADMIN");
    await server.registerPerson("pending");
    await server.query("update accounts.users set roles = '{USER,ADMIN}' where username = 'pending'");
    server.refuse(await refused(), "LAST_ADMIN");
    expect(server.succeed(await server.as(root.accessToken).me())?.roles).toEqual(BOTH);

    server.succeed(await server.as(root.accessToken).reactivateUser({ id: deactivated.id }));
    server.succeed(await refused());
  });

  test.each(Object.keys(steps))(
    "remains of two who keep each other by %s at the same moment",
    async (step) => {
      const server = await startServer();
      const [root, second] = [await server.admin(), await server.admin("second")];

      const answers = await meetAt(
        server,
        "users",
        () => steps[step]!(server, root.accessToken, second.id),
        () => steps[step]!(server, second.accessToken, root.id),
      );

      // Whoever comes second is an administrator no longer.
      expect([
        { done: 1, FORBIDDEN: 1 },
        { done: 1, UNAUTHENTICATED: 1 },
      ]).toContainEqual(tally(answers));
      const sql = "select id from accounts.users where 'ADMIN' = any (roles) and deactivated_at is null";
      expect(await server.query(sql)).toHaveLength(1);
    },
  );

  test("remains where one deletes the account while the other loses the role", async () => {
    const server = await startServer();
    const [root, second] = [await server.admin(), await server.admin("second")];

    const answers = await meetAt<Answer<unknown>[]>(
      server,
      "users",
      () => server.as(second.accessToken).deleteAccount({ password: PASSWORD }),
      () => server.as(second.accessToken).setUserRoles({ id: root.id, roles: ["USER"] }),
    );

    // Whose account is deleted first is signed in no longer.
    expect([
      { done: 1, LAST_ADMIN: 1 },
      { done: 1, UNAUTHENTICATED: 1 },
    ]).toContainEqual(tally(answers));
  });
});

describe("deactivateUser", () => {
  async function deactivate(server: TestServer, { id }: ActivePerson): Promise<ActivePerson> {
    const root = await server.admin();
    const user = server.succeed(await server.as(root.accessToken).deactivateUser({ id }));
    expect(user).toMatchObject({ id, isActive: false });
    return root;
  }

  test("signs the user out and lets nobody in, and tells why only who knows the password", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    await deactivate(server, ada);

    server.refuse(await server.as(ada.accessToken).me(), "UNAUTHENTICATED");
    server.refuse(await server.refreshSession(ada), "INVALID_TOKEN");
    for (const name of ["ada", ada.email]) {
      const error = server.refuse(
        await server.login({ username: name, password: PASSWORD }),
        "ACCOUNT_DEACTIVATED",
      );
      expect(error.extensions.field).toBe("username");
      server.refuse(await server.login({ username: name, password: "wrong" }), "INVALID_CREDENTIALS");
    }
    server.refuse(await server.requestReset({ email: ada.email }), "ACCOUNT_DEACTIVATED");
  });

  const links: Record<
    string,
    (server: TestServer) => Promise<{ ada: ActivePerson; use: () => Promise<Answer<unknown>> }>
  > = {
    registration: async (server) => {
      const person = await server.registerPerson("ada");
      const token = await server.confirmationToken(person.email);
      const [row] = await server.query<{ id: string }>("select id from accounts.users");
      const ada = { ...person, id: row!.id, accessToken: "", refreshToken: "" };
      return { ada, use: () => server.finalizeRegistration({ token }) };
    },
    reset: async (server) => {
      const ada = await server.activePerson("ada");
      const token = await server.askForReset(ada.email);
      return { ada, use: () => server.finalizeReset({ token, password: NEW_PASSWORD }) };
    },
    "change of address": async (server) => {
      const ada = await server.activePerson("ada");
      const token = await server.askForEmailChange(ada, "lovelace@example.com");
      return { ada, use: () => server.finalizeEmailChange({ token, password: PASSWORD }) };
    },
    "undo of a change of address": async (server) => {
      const { ada, use } = await links["change of address"]!(server);
      server.succeed(await use());
      const token = await server.undoToken(ada.email);
      return { ada, use: () => server.finalizeEmailChange({ token }) };
    },
  };

  test.each(Object.keys(links))("kills its links: %s", async (link) => {
    const server = await startServer();
    const { ada, use } = await links[link]!(server);
    const root = await deactivate(server, ada);

    server.refuse(await use(), "INVALID_TOKEN");

    expect(server.succeed(await server.as(root.accessToken).user({ id: ada.id }))?.isActive).toBe(false);
    expect(await server.query("select id from accounts.sessions where user_id = $1", [ada.id])).toEqual([]);
  });

  test.each(["registration", "reset"])("lets no link be mailed to whom it kept out of a %s", async (link) => {
    const server = await startServer({ env: { HIDE_ACCOUNT_EXISTENCE: "true" } });
    const { ada } = await links[link]!(server);
    await deactivate(server, ada);
    await server.mailsSettled();
    const mails = () => server.smtp.received.filter(({ recipients }) => recipients.includes(ada.email));
    const before = mails();

    server.succeed(await server.requestReset({ email: ada.email }));
    server.succeed(await server.resendRegistration({ email: ada.email }));

    await server.mailsSettled();
    expect(mails()).toEqual(before);
  });

  test("and a login at the same moment leave nobody signed in", async () => {
    const server = await startServer();
    const root = await server.admin();
    const ada = await server.activePerson("ada");

    const [login] = await meetAt<Answer<unknown>[]>(
      server,
      "users",
      () => server.login({ username: "ada", password: PASSWORD }),
      () => server.as(root.accessToken).deactivateUser({ id: ada.id }),
    );

    expect([[], ["INVALID_CREDENTIALS"]]).toContainEqual(
      login!.errors.map(({ extensions }) => extensions.code),
    );
    expect(await server.query("select id from accounts.sessions where user_id = $1", [ada.id])).toEqual([]);
  });

  test("is taken back by reactivateUser: the user logs in as before, but old links stay dead", async () => {
    const server = await startServer();
    const { ada, use } = await links["reset"]!(server);
    const root = await deactivate(server, ada);

    const user = server.succeed(await server.as(root.accessToken).reactivateUser({ id: ada.id }));

    expect(user).toMatchObject({ id: ada.id, isActive: true });
    server.succeed(await server.login({ username: "ada", password: PASSWORD }));
    server.refuse(await use(), "INVALID_TOKEN");
    server.refuse(await server.as(ada.accessToken).me(), "UNAUTHENTICATED");
    server.refuse(await server.refreshSession(ada), "INVALID_TOKEN");
  });

  test("outlives the deletion of the account", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    server.succeed(await server.as(ada.accessToken).deleteAccount({ password: PASSWORD }));
    await deactivate(server, ada);
    server.advance(29 * DAY + MINUTE);
    server.refuse(await server.login({ username: "ada", password: PASSWORD }), "ACCOUNT_DEACTIVATED");
  });
});

describe("whom an administrator changes", () => {
  const mails: Record<string, { act: Operation; subject: string; says: RegExp }> = {
    setUserRoles: {
      act: writing["setUserRoles"]!,
      subject: "Your roles for Account Server were changed",
      says: /Your roles are now: USER, ADMIN\./,
    },
    deactivateUser: {
      act: writing["deactivateUser"]!,
      subject: "Your account with Account Server was deactivated",
      says: /an administrator deactivated your account/,
    },
    reactivateUser: {
      act: writing["reactivateUser"]!,
      subject: "Your account with Account Server was reactivated",
      says: /You can log in again/,
    },
    endUserSessions: {
      act: writing["endUserSessions"]!,
      subject: "You were logged out of Account Server",
      says: /an administrator logged you out on all devices/,
    },
  };

  test.each(Object.keys(mails))("hears of %s by mail", async (name) => {
    const server = await startServer();
    const root = await server.admin();
    const ada = await server.activePerson("ada");
    const { act, subject, says } = mails[name]!;

    server.succeed(await act(server, root.accessToken, ada.id));

    const { mail } = await server.smtp.mailTo(ada.email, ({ mail }) => mail.subject === subject);
    expect(mail.text).toMatch(says);
    expect(mail.text).toContain("Hello ada");
  });

  test("is not written to before the address is confirmed", async () => {
    const server = await startServer();
    const root = await server.admin();
    const { email } = await server.registerPerson("pending");
    const [pending] = await server.query<{ id: string }>("select id from accounts.users where not is_active");
    await server.mailsSettled();

    server.succeed(await server.as(root.accessToken).deactivateUser({ id: pending!.id }));

    await server.mailsSettled();
    expect(server.subjectsTo(email)).toHaveLength(1);
  });
});

test("endUserSessions signs out and no more", async () => {
  const server = await startServer();
  const root = await server.admin();
  const ada = await server.activePerson("ada");

  expect(server.succeed(await server.as(root.accessToken).endUserSessions({ id: ada.id }))).toMatchObject({
    isActive: true,
  });

  server.refuse(await server.as(ada.accessToken).me(), "UNAUTHENTICATED");
  server.refuse(await server.refreshSession(ada), "INVALID_TOKEN");
  server.succeed(await server.login({ username: "ada", password: PASSWORD }));
  server.succeed(await server.as(root.accessToken).me());
});
