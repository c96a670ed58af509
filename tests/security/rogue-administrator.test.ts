// Administrators who turn bad, or whose access token was stolen. Each test is named by what it prevents.
import { beforeAll, describe, expect, test } from "vitest";

import type { Answer } from "../support/graphql.ts";
import { meetAt, whileHeld } from "../support/hold-back.ts";
import {
  MINUTE,
  PASSWORD,
  sharedServer,
  startServer,
  type ActivePerson,
  type TestServer,
} from "../support/server.ts";

const BOTH = ["USER", "ADMIN"];
const ROUNDS = 20;

type Act = (server: TestServer, accessToken: string, id: string) => Promise<Answer<unknown>>;
/** On an email to the user that has failed. */
const decide =
  (operation: "retryEmail" | "discardEmail"): Act =>
  async (server, token, userId) => {
    const [mail] = await server.query<{ id: string }>(
      `update accounts_queue.job set state = 'failed'
       where id = (select id from accounts_queue.job where data->>'userId' = $1 limit 1) returning id`,
      [userId],
    );
    const answer = await server.as(token)[operation]({ id: mail!.id });
    await server.query(
      "update accounts_queue.job set state = 'completed' where id = $1 and state = 'failed'",
      [mail!.id],
    );
    return answer;
  };
const acts: Record<string, Act> = {
  setUserRoles: (server, token, id) => server.as(token).setUserRoles({ id, roles: BOTH }),
  deactivateUser: (server, token, id) => server.as(token).deactivateUser({ id }),
  reactivateUser: (server, token, id) => server.as(token).reactivateUser({ id }),
  endUserSessions: (server, token, id) => server.as(token).endUserSessions({ id }),
  retryEmail: decide("retryEmail"),
  discardEmail: decide("discardEmail"),
};

/** Lets the password in every session of a user be of another time, by the database's clock. */
const confirmedAgo = (server: TestServer, { id }: ActivePerson, interval: string) =>
  server.query(
    "update accounts.sessions set password_confirmed_at = now() - $2::interval where user_id = $1",
    [id, interval],
  );

const rowOf = ({ id }: ActivePerson) => `select from accounts.users where id = '${id}' for update`;

async function stateOf(server: TestServer, { id }: ActivePerson) {
  const [row] = await server.query<{ roles: string; is_deactivated: boolean }>(
    "select roles::text, deactivated_at is not null as is_deactivated from accounts.users where id = $1",
    [id],
  );
  return row!;
}

describe("an administrator who is thrown out", () => {
  const shared = sharedServer();
  let root: ActivePerson;
  beforeAll(async () => {
    root = await shared().admin();
  });

  test.each(Object.keys(acts))("does nothing more by a request that has begun: %s", async (name) => {
    const server = shared();
    const rogue = await server.admin(`late-${name}`);
    const ada = await server.activePerson(`ada-${name}`);

    // Both wait for the rogue's row, in their order; the second has found before that the rogue is an administrator.
    const [out, late] = await whileHeld<Answer<unknown>[]>(
      server,
      rowOf(rogue),
      () => server.as(root.accessToken).setUserRoles({ id: rogue.id, roles: ["USER"] }),
      () => acts[name]!(server, rogue.accessToken, ada.id),
    );

    server.succeed(out!);
    server.refuse(late!, "FORBIDDEN");
    expect(await stateOf(server, ada)).toEqual({ roles: "{USER}", is_deactivated: false });
  });

  test.each(Object.keys(acts))("does nothing more once the session is ended: %s", async (name) => {
    const server = shared();
    const rogue = await server.admin(`ended-${name}`);
    const ada = await server.activePerson(`ada-2-${name}`);

    const [out, late] = await whileHeld<Answer<unknown>[]>(
      server,
      rowOf(rogue),
      () => server.as(root.accessToken).endUserSessions({ id: rogue.id }),
      () => acts[name]!(server, rogue.accessToken, ada.id),
    );

    server.succeed(out!);
    server.refuse(late!, "UNAUTHENTICATED");
    expect(await stateOf(server, ada)).toEqual({ roles: "{USER}", is_deactivated: false });
  });
});

test.each([
  { what: "change each other", act: "setUserRoles" },
  { what: "decide about emails to each other", act: "retryEmail" },
])("two administrators who $what at once do not deadlock", async ({ act }) => {
  const server = await startServer();
  const people = [await server.admin("ada"), await server.admin("grace")];
  for (let round = 0; round < ROUNDS; round += 1) {
    const [ada, grace] = people as [ActivePerson, ActivePerson];
    const answers = await meetAt(
      server,
      "users",
      () => acts[act]!(server, ada.accessToken, grace.id),
      () => acts["setUserRoles"]!(server, grace.accessToken, ada.id),
    );
    for (const answer of answers) server.succeed(answer);
  }
});

test("an email that tells its user of what an administrator did is not discarded unseen", async () => {
  const server = await startServer();
  const rogue = await server.admin();
  const ada = await server.activePerson("ada");
  server.smtp.refusal = "554 5.7.1 blocked";
  server.succeed(await acts["setUserRoles"]!(server, rogue.accessToken, ada.id));
  await server.smtp.refusals(1);
  const failed = async () =>
    server.succeed(await server.as(rogue.accessToken).queuedEmails({ state: "FAILED" })).edges;
  await expect.poll(failed).toHaveLength(1);
  const [edge] = await failed();
  server.succeed(await server.as(rogue.accessToken).discardEmail(edge!.node));
  const { edges } = server.succeed(await server.as(ada.accessToken).recentActivity({ first: 2 }));
  expect(edges.map(({ node: { type, actor, actorId } }) => ({ type, actor, actorId }))).toEqual([
    { type: "EMAIL_DISCARDED", actor: "ADMIN", actorId: rogue.id },
    { type: "ROLES_CHANGED", actor: "ADMIN", actorId: rogue.id },
  ]);
});

describe("a stolen access token of an administrator", () => {
  const shared = sharedServer();

  test.each(Object.keys(acts))("does not do %s 10 minutes after the password was given", async (name) => {
    const server = shared();
    const root = await server.admin(`root-${name}`);
    const ada = await server.activePerson(`ada-${name}`);
    await confirmedAgo(server, root, "10 minutes");
    await server.mailsSettled();
    const before = await server.state();

    server.refuse(await acts[name]!(server, root.accessToken, ada.id), "PASSWORD_REQUIRED");

    await server.mailsSettled();
    expect(await server.state()).toEqual(before);
    await confirmedAgo(server, root, "9 minutes");
    server.succeed(await acts[name]!(server, root.accessToken, ada.id));
  });

  test("does not step up by a wrong password, which is written down", async () => {
    const server = shared();
    const root = await server.admin("wrong");
    await confirmedAgo(server, root, "1 hour");
    const answer = await server.as(root.accessToken).confirmPassword({ password: "wrong" });
    expect(server.refuse(answer, "INVALID_CREDENTIALS").extensions.field).toBe("password");
    server.refuse(await acts["reactivateUser"]!(server, root.accessToken, root.id), "PASSWORD_REQUIRED");
    const [latest] = server.succeed(await server.as(root.accessToken).recentActivity({ first: 1 })).edges;
    expect(latest!.node.type).toBe("PASSWORD_REFUSED");
  });

  test("is not helped by the password that the owner gives on another device", async () => {
    const server = shared();
    const root = await server.admin("device");
    await confirmedAgo(server, root, "1 hour");
    const other = server.succeed(await server.login(root));
    server.succeed(await server.as(other.accessToken).confirmPassword(root));
    server.refuse(await acts["reactivateUser"]!(server, root.accessToken, root.id), "PASSWORD_REQUIRED");
  });

  test("is not helped by a server whose clock is behind", async () => {
    const server = await startServer();
    const root = await server.admin();
    await confirmedAgo(server, root, "11 minutes");
    server.freezeAt(new Date(Date.now() - 5 * MINUTE));
    const { accessToken } = root;
    server.refuse(await acts["reactivateUser"]!(server, accessToken, root.id), "PASSWORD_REQUIRED");
  });
});

describe("an administrator who has given the password is not asked again:", () => {
  const shared = sharedServer();
  const ways: Record<string, (server: TestServer, root: ActivePerson) => Promise<string>> = {
    confirmPassword: async (server, root) => {
      await confirmedAgo(server, root, "1 hour");
      server.succeed(await server.as(root.accessToken).confirmPassword(root));
      return root.accessToken;
    },
    login: async (server, root) => server.succeed(await server.login(root)).accessToken,
    finalizeReset: async (server, { email }) => {
      const token = await server.askForReset(email);
      return server.succeed(await server.finalizeReset({ token, password: PASSWORD })).accessToken;
    },
    changePassword: async (server, root) => {
      await confirmedAgo(server, root, "1 hour");
      const change = { currentPassword: PASSWORD, newPassword: "a new battery staple" };
      return server.succeed(await server.as(root.accessToken).changePassword(change)).accessToken;
    },
  };

  test.each(Object.keys(ways))("%s", async (way) => {
    const server = shared();
    const root = await server.admin(`root-${way}`);
    const accessToken = await ways[way]!(server, root);
    server.succeed(await acts["reactivateUser"]!(server, accessToken, root.id));
  });

  test("but a mailed link alone is no password", async () => {
    const server = shared();
    const person = await server.activePerson("linked");
    await server.query("update accounts.users set roles = '{USER,ADMIN}' where id = $1", [person.id]);
    server.refuse(await acts["reactivateUser"]!(server, person.accessToken, person.id), "PASSWORD_REQUIRED");
  });
});

test("a user who has not confirmed the address does not become an administrator", async () => {
  const server = await startServer();
  const root = await server.admin();
  await server.registerPerson("pending");
  const [pending] = await server.query<{ id: string }>("select id from accounts.users where not is_active");
  server.refuse(await acts["setUserRoles"]!(server, root.accessToken, pending!.id), "ACCOUNT_NOT_ACTIVATED");
});
