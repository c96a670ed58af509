// A DATABASE_URL with several hosts, of which one takes writes: now this one, now that one.
import { join } from "node:path";

import { expect, test } from "vitest";

import { query } from "../support/postgres.ts";
import { externalParts, startProcess } from "../support/process.ts";
import { PASSWORD } from "../support/server.ts";
import { hasSystemPostgres, SystemPostgres } from "../support/system-postgres.ts";
import { tokenIn } from "../support/smtp.ts";

const NOBODY_LISTENS = "127.0.0.1:1";

/** A primary and a hot standby, and a server that knows both. */
async function pair() {
  const primary = await SystemPostgres.start();
  await query(primary.url("postgres"), "create database accounts");
  const standby = await primary.startStandby();
  const hosts = [NOBODY_LISTENS, `127.0.0.1:${standby.port}`, `127.0.0.1:${primary.port}`];
  const url = `postgresql://accounts@${hosts.join(",")}/accounts?target_session_attrs=read-write`;
  return { primary, standby, url };
}

test.skipIf(!hasSystemPostgres)(
  "requests, emails and notifications go to the host that takes writes, also after a failover (needs pg_basebackup)",
  async () => {
    const { primary, standby, url } = await pair();
    const { smtp, env } = await externalParts();
    const server = await startProcess({ env: { ...env, DATABASE_URL: url } });
    const door = await server.ready();
    door.succeed(await door.register({ username: "ada", email: "ada@example.com", password: PASSWORD }));
    door.succeed(await door.finalizeRegistration({ token: tokenIn((await smtp.mails(1))[0]!) }));
    // What is acknowledged is on the standby before the primary ends: this is not about what replication loses.
    const position = await query<{ at: string }>(
      primary.url("postgres"),
      "select pg_current_wal_lsn() as at",
    );
    const arrived = `select pg_last_wal_replay_lsn() >= '${position[0]!.at}' as arrived`;
    await expect.poll(() => query(standby.url("postgres"), arrived)).toEqual([{ arrived: true }]);

    primary.stop();
    standby.promote();

    const login = async () => (await door.login({ username: "ada", password: PASSWORD })).errors;
    await expect.poll(login, { timeout: 20_000 }).toEqual([]);
    door.succeed(await door.requestReset({ email: "ada@example.com" }));
    const token = tokenIn((await smtp.mails(2))[1]!);
    door.succeed(await door.finalizeReset({ token, password: "after the failover" }));
    const listening = "select from pg_stat_activity where query like 'LISTEN%'";
    await expect.poll(() => query(standby.url("postgres"), listening), { timeout: 40_000 }).toHaveLength(1);
  },
);

test.skipIf(!hasSystemPostgres)(
  "with TLS, each host is met under its own name (needs pg_basebackup)",
  async () => {
    const primary = await SystemPostgres.start({ tls: true });
    await query(primary.url("postgres"), "create database accounts");
    const authority = join(import.meta.dirname, "../fixtures/smtp-certificate.pem");
    const start = async (host: string) => {
      const url = `postgresql://accounts@${NOBODY_LISTENS},${host}:${primary.port}/accounts`;
      const { env } = await externalParts();
      const parameters = `?sslmode=verify-full&sslrootcert=${authority}`;
      return startProcess({
        env: { ...env, DATABASE_URL: url + parameters },
        script: "dist/bin/account.js",
        args: ["list"],
      });
    };
    const [good, another] = [await start("localhost"), await start("127.0.0.2")];

    expect(await good.exited(), good.output).toBe(0);
    expect(await another.exited()).toBe(1);
    expect(another.output).toMatch(/127\.0\.0\.2:\d+: Hostname\/IP does not match certificate's altnames/);
  },
);

test("hosts of which none takes writes refuse the start in one sentence that names each", async () => {
  const { env } = await externalParts();
  const url = `postgresql://ada:secret@${NOBODY_LISTENS},127.0.0.1:2/accounts`;
  const command = await startProcess({
    env: { ...env, DATABASE_URL: url },
    script: "dist/bin/account.js",
    args: ["list"],
  });

  expect(await command.exited()).toBe(1);
  expect(command.output).toBe(
    "The database accounts at 127.0.0.1:1, 127.0.0.1:2 cannot be used (no host takes writes; 127.0.0.1:1: connect ECONNREFUSED " +
      "127.0.0.1:1, 127.0.0.1:2: connect ECONNREFUSED 127.0.0.1:2). Check DATABASE_URL, and that its role can create schemas.\n",
  );
});
