// Clocks that are wrong: those of two servers, and the database's.
import { resolve } from "node:path";

import { describe, expect, test } from "vitest";

import { runDailyJob } from "../support/run-daily-job.ts";
import { captureLog } from "../support/log.ts";
import { query } from "../support/postgres.ts";
import { externalParts, startProcess } from "../support/process.ts";
import { DAY, PASSWORD, startServer, type TestServer } from "../support/server.ts";
import { tokenIn } from "../support/smtp.ts";

describe("servers whose clocks are 1 and 20 minutes apart, and an hour off the database's", () => {
  /** Two servers for which a minute decides: everything is good for 2 minutes. */
  async function twoServers() {
    const { smtp, env } = await externalParts();
    const shortLived = {
      ACCESS_TOKEN_MINUTES: "2",
      REGISTRATION_TOKEN_MINUTES: "2",
      RESET_TOKEN_MINUTES: "2",
      EMAIL_CHANGE_TOKEN_MINUTES: "2",
    };
    const servers = await Promise.all(
      ["-61", "-40"].map((minutes) =>
        startProcess({
          env: {
            ...env,
            ...shortLived,
            NODE_OPTIONS: `--import=${resolve("tests/support/shifted-clock.mjs")}`,
            CLOCK_SHIFT_MINUTES: minutes,
          },
        }),
      ),
    );
    const [behind, ahead] = await Promise.all(servers.map((server) => server.ready()));
    const newestToken = async (count: number) => tokenIn((await smtp.mails(count))[count - 1]!);
    return { behind: behind!, ahead: ahead!, newestToken, smtp, databaseUrl: env.DATABASE_URL };
  }

  test("take each other's links, access tokens and refresh tokens, and give them as long as the settings say", async () => {
    const { behind, ahead, newestToken, smtp, databaseUrl } = await twoServers();
    const ada = { username: "ada", email: "ada@example.com", password: PASSWORD };
    behind.succeed(await behind.register(ada));
    ahead.refuse(await ahead.register({ ...ada, email: "eve@example.com" }), "USERNAME_TAKEN");
    const opened = ahead.succeed(await ahead.finalizeRegistration({ token: await newestToken(1) }));
    const [{ now } = { now: new Date(0) }] = await query<{ now: Date }>(databaseUrl, "select now()");
    const minutes = (new Date(opened.expiresAt).getTime() - now.getTime()) / 60_000;
    expect(Math.round(minutes * 2) / 2).toBe(2);

    for (const [one, other] of [
      [behind, ahead],
      [ahead, behind],
    ] as const) {
      const session = one.succeed(await one.login(ada));
      expect(other.succeed(await other.as(session.accessToken).me())?.username).toBe("ada");
      const second = other.succeed(await other.refreshSession({ refreshToken: session.refreshToken! }));
      const third = one.succeed(await one.refreshSession({ refreshToken: second.refreshToken! }));
      other.succeed(await other.as(third.accessToken).me());
      one.succeed(await one.as(third.accessToken).logout());
      other.refuse(await other.as(third.accessToken).me(), "UNAUTHENTICATED");
      other.refuse(await other.refreshSession({ refreshToken: third.refreshToken! }), "INVALID_TOKEN");
    }

    behind.succeed(await behind.requestReset(ada));
    const reset = await newestToken(2);
    ahead.succeed(await ahead.finalizeReset({ token: reset, password: "a second battery" }));
    const { accessToken } = ahead.succeed(
      await ahead.login({ username: "ada", password: "a second battery" }),
    );
    const newEmail = "ada@example.org";
    const change = { newEmail, password: "a second battery" };
    ahead.succeed(await ahead.as(accessToken).requestEmailChange(change));
    const token = tokenIn(await smtp.mailTo(newEmail));
    behind.succeed(await behind.as(accessToken).finalizeEmailChange({ token }));
    ahead.succeed(await ahead.login({ username: newEmail, password: "a second battery" }));
  });

  test("let nothing live longer than the settings say", async () => {
    const { behind, ahead, newestToken, databaseUrl } = await twoServers();
    const ada = { username: "ada", email: "ada@example.com", password: PASSWORD };
    ahead.succeed(await ahead.register(ada));
    ahead.succeed(await ahead.finalizeRegistration({ token: await newestToken(1) }));
    const { accessToken, refreshToken } = ahead.succeed(await ahead.login(ada));

    await query(databaseUrl, "update accounts.sessions set expires_at = now() - interval '1 second'");

    for (const door of [behind, ahead]) {
      door.refuse(await door.as(accessToken).me(), "UNAUTHENTICATED");
      door.refuse(await door.refreshSession({ refreshToken: refreshToken! }), "INVALID_TOKEN");
    }
  });
});

describe("the daily job", () => {
  const rows = async (server: TestServer) => {
    const [counts] = await server.query(
      `select (select count(*)::int from accounts.sessions) as sessions,
         (select count(*)::int from accounts.account_events) as events`,
    );
    return counts;
  };

  test("removes nothing if the clock has jumped since its last run, says so once, and goes on when the clock is right again", async () => {
    const server = await startServer({ env: { LOG_LEVEL: "info" } });
    await server.activePerson("ada");
    await runDailyJob(server);
    const before = await rows(server);
    const log = captureLog();

    server.advance(400 * DAY);
    await runDailyJob(server);

    expect(await rows(server)).toEqual(before);
    expect(
      await log.lines(/removed no expired rows, because the database's clock may be wrong/),
    ).toHaveLength(1);

    server.advance(-400 * DAY + DAY);
    await runDailyJob(server);
    expect(await log.lines(/removed expired rows/)).toHaveLength(1);
  });

  test("an operator who knows that the clock is right has it done, and it runs by itself again", async () => {
    const server = await startServer({ env: { LOG_LEVEL: "info" } });
    await server.activePerson("ada");
    await runDailyJob(server);
    await server.query("update accounts.clean_ups set ran_at = now() - interval '400 days'"); // no server ran since
    await server.query("update accounts.sessions set expires_at = now() - interval '1 day'");
    await runDailyJob(server);
    expect(await rows(server)).toMatchObject({ sessions: 1 });

    const command = await startProcess({
      script: "dist/bin/account.js",
      args: ["clean-up"],
      env: { DATABASE_URL: server.databaseUrl },
    });

    expect(await command.exited(), command.output).toBe(0);
    expect(command.output).toMatch(
      /^Removed what had expired by \S+ \(the last time: \S+\): .*sessions 1, .*\.\n$/,
    );
    const log = captureLog();
    await runDailyJob(server);
    expect(await log.lines(/removed expired rows/)).toHaveLength(1);
  });
});
