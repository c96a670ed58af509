// A real Prometheus watches the built server: each alert fires when what it is about happens, and ends with it. A minute of the rules is a
// second here; promtool tests them with the durations that they have.
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";

import { DatabaseProxy } from "../support/database-proxy.ts";
import type { GraphQLDoor } from "../support/graphql.ts";
import { metricsAt } from "../support/metrics.ts";
import { query, startPostgres } from "../support/postgres.ts";
import { startProcess, type ServerProcess } from "../support/process.ts";
import { hasPrometheus, Prometheus, promtool } from "../support/prometheus.ts";
import { PASSWORD, startServer } from "../support/server.ts";
import { SmtpCatcher, tokenIn } from "../support/smtp.ts";
import { Standby } from "../support/standby.ts";

const FOLDER = "ops/prometheus";
const ADA = { username: "ada", email: "ada@example.com", password: PASSWORD };
const WRONG = { username: "ada", password: "wrong horse battery" };

describe.skipIf(!hasPrometheus)("promtool (skipped without Debian's package prometheus)", () => {
  test("finds no fault in the rules and the configuration", async () => {
    expect(await promtool(["check", "config", `${FOLDER}/prometheus.yml`])).toContain("11 rules found");
  });

  test("says that each alert fires when it shall", async () => {
    expect(await promtool(["test", "rules", `${FOLDER}/alerts.test.yml`])).toContain("SUCCESS");
  });

  test("finds that the names of the metrics follow Prometheus' conventions", async () => {
    const { text } = await metricsAt((await startServer({ env: { METRICS_PORT: "0" } })).metricsUrl);
    const own = text.split("\n").filter((line) => /^(?:# \w+ )?account_/.test(line));
    expect(await promtool(["check", "metrics"], `${own.join("\n")}\n`)).toBe("");
  });
});

interface Watched {
  readonly server: ServerProcess;
  readonly door: GraphQLDoor;
  readonly smtp: SmtpCatcher;
  readonly proxy: DatabaseProxy;
  readonly env: Record<string, string>;
  /** Does `cause`, again and again if it takes more than once, until the alert fires. */
  readonly fires: (alert: string, cause: () => Promise<unknown>) => Promise<void>;
  readonly ends: (alert: string) => Promise<void>;
}

async function freePort(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return String(port);
}

async function watched(settings: Record<string, string> = {}, database?: string): Promise<Watched> {
  const { proxy, databaseUrl } = await DatabaseProxy.start(database);
  const smtp = await SmtpCatcher.start();
  onTestFinished(() => smtp.close());
  const metricsPort = await freePort();
  const env = {
    DATABASE_URL: databaseUrl,
    JWT_SECRET: "a secret of this test, at least 32 bytes long",
    MAIL_SERVER: "127.0.0.1",
    MAIL_PORT: String(smtp.port),
    METRICS_PORT: metricsPort,
    PORT: await freePort(),
    RATE_LIMITS: "off",
    TRUSTED_PROXIES: "127.0.0.1", // may open many connections
    ...settings,
  };
  const server = await startProcess({ env });
  const door = await server.ready();
  const prometheus = await Prometheus.start(`127.0.0.1:${metricsPort}`);
  return {
    server,
    door,
    smtp,
    proxy,
    env,
    async fires(alert, cause) {
      expect(await prometheus.firing()).not.toContain(alert);
      const signal = AbortSignal.timeout(120_000);
      while (!(await prometheus.firing()).includes(alert)) {
        signal.throwIfAborted();
        await cause();
      }
    },
    async ends(alert) {
      await expect.poll(() => prometheus.firing(), { timeout: 120_000, interval: 200 }).not.toContain(alert);
    },
  };
}

/** For a cause that takes one time. */
function onlyOnce(cause: () => Promise<unknown>): () => Promise<unknown> {
  let done: Promise<unknown> | undefined;
  return async () => {
    await (done ??= cause());
    await delay(100);
  };
}

async function activeAda({ door, smtp }: Watched): Promise<void> {
  door.succeed(await door.register(ADA));
  door.succeed(await door.finalizeRegistration({ token: tokenIn(await smtp.mailTo(ADA.email)) }));
}

const times = (count: number, work: () => Promise<unknown>) =>
  Promise.all(Array.from({ length: count }, work));

describe.skipIf(!hasPrometheus)(
  "at a real server, an alert fires and ends (skipped without Debian's package prometheus):",
  { timeout: 300_000 },
  () => {
    test("AccountServerDown fires when it is killed", async () => {
      const { server, env, fires, ends } = await watched();
      await fires(
        "AccountServerDown",
        onlyOnce(() => server.end("SIGKILL")),
      );
      await (await startProcess({ env })).ready();
      await ends("AccountServerDown");
    });

    test("AccountDatabaseOutage fires when the database is away", async () => {
      const { door, proxy, fires, ends } = await watched();
      await fires("AccountDatabaseOutage", async () => {
        proxy.cut();
        door.refuse(await door.login(WRONG), "SERVICE_UNAVAILABLE");
      });
      proxy.mend();
      await ends("AccountDatabaseOutage");
    });

    test("AccountReplicasAway fires when a read replica is away", async () => {
      const primary = await startPostgres();
      onTestFinished(async () => {
        await primary.stop();
        await primary.remove();
      });
      const standby = await Standby.of(primary);
      onTestFinished(() => standby.stop());
      const replica = await DatabaseProxy.start(standby.url(primary.databaseUrl));
      replica.proxy.cut();
      const settings = { DATABASE_REPLICA_URLS: replica.databaseUrl };
      const { fires, ends } = await watched(settings, primary.databaseUrl);
      await fires("AccountReplicasAway", () => delay(100));
      replica.proxy.mend();
      await ends("AccountReplicasAway");
    });

    test("AccountUnexpectedErrors fires when requests meet faults", async () => {
      const { door, env, fires, ends } = await watched();
      await query(env["DATABASE_URL"]!, "alter table accounts.users rename to elsewhere");
      await fires("AccountUnexpectedErrors", async () => {
        door.refuse(await door.login(WRONG), "INTERNAL_SERVER_ERROR");
        await delay(100);
      });
      await query(env["DATABASE_URL"]!, "alter table accounts.elsewhere rename to users");
      await ends("AccountUnexpectedErrors");
    });

    test("AccountMailsWait fires when the SMTP server is away", async () => {
      const away = await SmtpCatcher.start();
      await away.close();
      const { door, env, fires, ends } = await watched({ MAIL_PORT: String(away.port) });
      await fires(
        "AccountMailsWait",
        onlyOnce(async () => {
          door.succeed(await door.register(ADA));
          const later =
            "update accounts_queue.job set created_on = created_on - interval '1 hour' where name = 'mail'";
          await query(env["DATABASE_URL"]!, later);
        }),
      );
      const back = await SmtpCatcher.start({}, away.port);
      onTestFinished(() => back.close());
      await ends("AccountMailsWait");
    });

    test("AccountMailsFailed fires when an email is refused for good, until an operator decides", async () => {
      const { door, smtp, env, fires, ends } = await watched();
      smtp.refusal = "550 5.1.1 nobody";
      await fires(
        "AccountMailsFailed",
        onlyOnce(() => door.register(ADA)),
      );
      const discard = await startProcess({
        env,
        script: "dist/bin/account.js",
        args: ["mail", "discard", "--all"],
      });
      expect(await discard.exited()).toBe(0);
      await ends("AccountMailsFailed");
    });

    test("AccountHashingSaturated fires when more passwords come than can be hashed", async () => {
      const { door, fires, ends } = await watched();
      const logins: Promise<unknown>[] = [];
      await fires("AccountHashingSaturated", async () => {
        logins.push(times(100, () => door.login(WRONG)));
        await delay(300);
      });
      await Promise.all(logins);
      await ends("AccountHashingSaturated");
    });

    test("AccountConnectionsExhausted fires when requests wait for a lock", async () => {
      const { door, env, fires, ends } = await watched();
      const client = new pg.Client({ connectionString: env["DATABASE_URL"]! });
      await client.connect();
      onTestFinished(() => client.end());
      await client.query("begin; lock table accounts.users in access exclusive mode");
      const logins: Promise<unknown>[] = [];
      await fires("AccountConnectionsExhausted", async () => {
        logins.push(times(30, () => door.login(WRONG)));
        await delay(500);
      });
      await client.query("rollback");
      await Promise.all(logins);
      await ends("AccountConnectionsExhausted");
    });

    test("AccountLimitsFlood fires when somebody guesses on and on", async () => {
      const { door, fires, ends } = await watched({ RATE_LIMITS: "on" });
      await fires("AccountLimitsFlood", () => times(5, () => door.login(WRONG)));
      await ends("AccountLimitsFlood");
    });

    test("AccountEventLoopLag fires when the process gets no time", async () => {
      const { server, fires, ends } = await watched();
      await fires("AccountEventLoopLag", async () => {
        server.child.kill("SIGSTOP");
        await delay(350);
        server.child.kill("SIGCONT");
        await delay(100);
      });
      await ends("AccountEventLoopLag");
    });

    test("AccountNoLogins fires when nobody gets in, and ends when somebody does", async () => {
      const arranged = await watched();
      const { door, fires, ends } = arranged;
      await activeAda(arranged);
      await fires("AccountNoLogins", () => times(10, () => door.login(WRONG)));
      door.succeed(await door.login(ADA));
      await ends("AccountNoLogins");
    });
  },
);
