// Whoever had an account before an upgrade goes on as if nothing had happened: for the database of each release.
import { describe, expect, inject, test } from "vitest";

import { statementsOfMigrations } from "../support/migrations.ts";
import { createDatabase } from "../support/postgres.ts";
import { startProcess } from "../support/process.ts";
import { checksum, releaseFixture, releases, restoreRelease } from "../support/release-fixture.ts";
import { startServer } from "../support/server.ts";

describe.each(releases())("on a database of version %s", (version) => {
  const { jwtSecret, password, logins, sessions, links, waitingMails, migrations } = releaseFixture(version);
  const upgrade = async () =>
    startServer({
      databaseUrl: await restoreRelease(inject("postgresUrl"), version),
      env: { JWT_SECRET: jwtSecret, AUDIT_RETENTION_DAYS: "3650" },
    });

  test("sessions and refresh tokens go on, and everybody logs in, or is refused, as before", async () => {
    const server = await upgrade();
    for (const [username, { accessToken, refreshToken }] of Object.entries(sessions)) {
      expect(server.succeed(await server.as(accessToken).me())).toMatchObject({ username });
      const next = server.succeed(await server.refreshSession({ refreshToken }));
      expect(server.succeed(await server.as(next.accessToken).me())).toMatchObject({ username });
    }
    const answers: Record<string, string> = {};
    for (const username of Object.keys(logins)) {
      const { errors } = await server.login({ username, password });
      answers[username] = errors[0]?.extensions.code ?? "done";
    }
    expect(answers).toEqual(logins);

    const events = await server.as(sessions["ada"]!.accessToken).recentActivity({ first: 100 });
    const months = server.succeed(events).edges.map(({ node }) => node.occurredAt.slice(0, 7));
    expect(new Set(months).size, "months in the audit trail").toBeGreaterThanOrEqual(4);
  });

  test("links that were mailed work, once", async () => {
    const server = await upgrade();
    const owner = server.as(sessions[links.emailChangeOf]!.accessToken);
    const uses = [
      () => server.finalizeRegistration({ token: links.registration }),
      () => server.finalizeReset({ token: links.reset, password: "a new battery staple" }),
      () => owner.finalizeEmailChange({ token: links.emailChange }),
      () => server.finalizeEmailChange({ token: links.undo }),
    ];
    for (const use of uses) {
      server.succeed<unknown>(await use());
      server.refuse(await use(), "INVALID_TOKEN");
    }
  });

  test("emails that waited are sent, and their links work", async () => {
    const server = await upgrade();
    const token = await server.confirmationToken("heidi@example.com");
    await server.mailsSettled();
    const sent = server.smtp.received.map(({ recipients, mail }) => ({
      to: recipients[0]!,
      subject: mail.subject!,
    }));
    expect(sent).toEqual(expect.arrayContaining([...waitingMails]));
    expect(sent).toHaveLength(waitingMails.length);
    expect(server.succeed(await server.finalizeRegistration({ token })).user.username).toBe("heidi");
  });

  test("all that must hold holds", async () => {
    const { databaseUrl } = await upgrade();
    const command = await startProcess({
      script: "dist/bin/account.js",
      args: ["verify"],
      env: { DATABASE_URL: databaseUrl },
    });
    expect(await command.exited(), command.output).toBe(0);
  });

  test("its migrations are as they were", async () => {
    const statements = await statementsOfMigrations(await createDatabase(inject("postgresUrl")));
    const now = Object.keys(migrations).map((name) => [name, checksum(statements.get(name) ?? [])]);
    expect(Object.fromEntries(now)).toEqual(migrations);
  });
});
