// deleteAccount: how an account is restored within 30 days, and erased after them.
import { describe, expect, test } from "vitest";

import type { Output } from "../../support/graphql.ts";
import { meetAt, tally } from "../../support/hold-back.ts";
import { runDailyJob } from "../../support/run-daily-job.ts";
import {
  DAY,
  MINUTE,
  PASSWORD,
  startServer,
  type ActivePerson,
  type TestServer,
} from "../../support/server.ts";

const NEW_PASSWORD = "a new battery staple";
const HOUR = 60 * MINUTE;

describe("deleteAccount", () => {
  async function deleted(server: TestServer): Promise<ActivePerson> {
    const ada = await server.activePerson("ada");
    server.succeed(await server.as(ada.accessToken).deleteAccount({ password: PASSWORD }));
    return ada;
  }
  const leftOf = async (server: TestServer, { id }: ActivePerson) => {
    const columns = { users: "id", sessions: "user_id", email_changes: "user_id", account_events: "user_id" };
    const left: Record<string, number> = {};
    for (const [table, column] of Object.entries(columns))
      left[table] = (await server.query(`select 1 from accounts.${table} where ${column} = $1`, [id])).length;
    return left;
  };

  test("signs out at once, tells the owner, and keeps name and address from others", async () => {
    const server = await startServer();
    const { email } = await deleted(server);
    await server.mailsSettled();
    expect(server.subjectsTo(email).at(-1)).toBe("Your account with Account Server was deleted");
    const args = { username: "ada", email, password: PASSWORD };
    server.refuse(await server.register({ ...args, email: "other@example.com" }), "USERNAME_TAKEN");
    server.refuse(await server.register({ ...args, username: "other" }), "EMAIL_TAKEN");
  });

  test.each<[string, (server: TestServer, ada: ActivePerson) => Promise<Output<"AuthPayload">>]>([
    [
      "a login",
      async (server) => server.succeed(await server.login({ username: "ada", password: PASSWORD })),
    ],
    [
      "a reset",
      async (server, { email }) =>
        server.succeed(
          await server.finalizeReset({ token: await server.askForReset(email), password: NEW_PASSWORD }),
        ),
    ],
  ])("is taken back by %s within 30 days", async (_, restore) => {
    const server = await startServer();
    const ada = await deleted(server);
    server.advance(30 * DAY - HOUR);

    const { accessToken, user } = await restore(server, ada);

    expect(user).toMatchObject({ id: ada.id, isActive: true });
    const events = server.succeed(await server.as(accessToken).recentActivity()).edges;
    expect(events.map(({ node }) => node.type)).toContain("RESTORED");
    server.advance(DAY);
    await runDailyJob(server);
    server.refuse(await server.register(ada), "USERNAME_TAKEN");
  });

  test("is not taken back by a wrong password, nor by a link of before", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const reset = await server.askForReset(ada.email);
    const change = await server.askForEmailChange(ada, "lovelace@example.com");
    server.succeed(await server.as(ada.accessToken).deleteAccount({ password: PASSWORD }));

    server.refuse(await server.login({ username: "ada", password: "wrong" }), "INVALID_CREDENTIALS");
    server.refuse(await server.finalizeReset({ token: reset, password: NEW_PASSWORD }), "INVALID_TOKEN");
    server.refuse(await server.finalizeEmailChange({ token: change }), "INVALID_TOKEN");

    const [row] = await server.query("select erase_at from accounts.users");
    expect(row!["erase_at"]).toBeInstanceOf(Date);
  });

  test("erases the account after 30 days with all that belongs to it, and nobody else's", async () => {
    const server = await startServer();
    const grace = await server.activePerson("grace");
    const ada = await server.activePerson("ada");
    const { accessToken } = await server.changeEmail(ada, "lovelace@example.com");
    await server.askForEmailChange({ accessToken }, "third@example.com");
    server.succeed(await server.as(accessToken).deleteAccount({ password: PASSWORD }));
    await server.query(
      `insert into accounts.sessions (id, user_id, created_at, last_used_at, expires_at)
       values (gen_random_uuid(), $1, now(), now(), now() + interval '1 year')`,
      [ada.id],
    );
    expect(Object.values(await leftOf(server, ada))).not.toContain(0);
    await server.mailsSettled();
    server.advance(30 * DAY + MINUTE);

    await runDailyJob(server);

    expect(await leftOf(server, ada)).toEqual({ users: 0, sessions: 0, email_changes: 0, account_events: 0 });
    expect(await leftOf(server, grace)).toMatchObject({ users: 1 });
    server.refuse(await server.login({ username: "ada", password: PASSWORD }), "INVALID_CREDENTIALS");
    await server.registerPerson("ada");
  });

  test("is refused to the last administrator, who may do so once there is another", async () => {
    const server = await startServer();
    const root = await server.admin();
    server.refuse(await server.as(root.accessToken).deleteAccount({ password: PASSWORD }), "LAST_ADMIN");
    await server.admin("second");
    server.succeed(await server.as(root.accessToken).deleteAccount({ password: PASSWORD }));
  });

  test("by the last two administrators at the same moment is refused to one", async () => {
    const server = await startServer();
    const root = await server.admin();
    const second = await server.admin("second");

    const answers = await meetAt(
      server,
      "users",
      () => server.as(root.accessToken).deleteAccount({ password: PASSWORD }),
      () => server.as(second.accessToken).deleteAccount({ password: PASSWORD }),
    );

    expect(tally(answers)).toEqual({ done: 1, LAST_ADMIN: 1 });
  });
});
