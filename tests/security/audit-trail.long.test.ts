// A flood of failures leaves rows that can be counted on one hand.
import { expect, test } from "vitest";

import { PASSWORD, startServer } from "../support/server.ts";

test(
  "2,000 failed logins do not fill the audit trail, nor drown what else happened",
  { timeout: 600_000 },
  async () => {
    const server = await startServer();
    const { accessToken } = await server.activePerson("ada");
    let sent = 0;
    await Promise.all(
      Array.from({ length: 32 }, async () => {
        while (sent < 2_000) {
          sent += 1;
          const username = sent % 2 === 0 ? "ada" : `nobody-${sent}`;
          const agent = server.with({ "user-agent": `${sent} ${"x".repeat(512)}` });
          server.refuse(await agent.login({ username, password: "wrong horse" }), "INVALID_CREDENTIALS");
        }
      }),
    );

    const failures = await server.query<{ user_id: string | null; sum: string; rows: number }>(
      `select user_id, sum(count) as sum, count(*)::int as rows from accounts.account_events
       where type = 'LOGIN_FAILED' group by user_id`,
    );
    expect(failures.map(({ sum }) => Number(sum))).toEqual([1_000, 1_000]);
    // One for each hour in which the test ran.
    for (const { rows } of failures) expect(rows).toBeLessThanOrEqual(2);
    const { accessToken: later } = server.succeed(
      await server.login({ username: "ada", password: PASSWORD }),
    );
    expect(later).not.toBe(accessToken);
    const { edges } = server.succeed(await server.as(later).recentActivity());
    expect(edges.map(({ node }) => node.type)).toEqual(
      expect.arrayContaining(["REGISTERED", "ACTIVATED", "LOGIN_FAILED", "LOGGED_IN"]),
    );
  },
);
