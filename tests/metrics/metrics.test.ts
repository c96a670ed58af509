// What Prometheus reads of a server: on a port of its own, by names that a client cannot multiply, and with nothing of anybody in it.
import { readFileSync } from "node:fs";

import pg from "pg";
import { describe, expect, inject, onTestFinished, test } from "vitest";

import { DatabaseProxy } from "../support/database-proxy.ts";
import { listedCodes } from "../support/graphql.ts";
import { captureLog } from "../support/log.ts";
import { ended, metricsAt } from "../support/metrics.ts";
import { createDatabase, query } from "../support/postgres.ts";
import { FULL_HASHES, PASSWORD, startServer, type TestServer } from "../support/server.ts";

const METRICS = { METRICS_PORT: "0" };
const WRONG = "wrong horse battery";

const metricsOf = (server: TestServer) => metricsAt(server.metricsUrl);

/** The value of a series, once it is `expected`. */
async function becomes(server: TestServer, series: string, expected: number | undefined): Promise<void> {
  await expect.poll(async () => (await metricsOf(server)).values.get(series)).toBe(expected);
}

describe("the port", () => {
  test("is not opened without METRICS_PORT, and the server itself serves no metrics", async () => {
    const server = await startServer();
    expect(server.metricsUrl).toBe("");
    expect((await fetch(`${server.url}/metrics`)).status).toBe(404);
  });

  test("answers GET /metrics alone, in Prometheus' format", async () => {
    const server = await startServer({ env: METRICS });
    const response = await fetch(server.metricsUrl);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");

    const { origin } = new URL(server.metricsUrl);
    for (const path of ["/", "/metrics/", "/graphql", "/livez", "/metrics2"])
      expect((await fetch(origin + path)).status, path).toBe(404);
    for (const method of ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
      expect((await fetch(server.metricsUrl, { method })).status, method).toBe(404);
  });

  test("that is in use stops the start, in a sentence that names METRICS_PORT", async () => {
    const { metricsUrl } = await startServer({ env: METRICS });
    const { port } = new URL(metricsUrl);
    await expect(startServer({ env: { METRICS_PORT: port } })).rejects.toThrow(
      `Port ${port} on 127.0.0.1 is in use by another program: stop that one, or give this one another METRICS_PORT.`,
    );
  });
});

describe("operations", () => {
  test("count by root field and code, whatever a client calls them", async () => {
    const server = await startServer({ env: METRICS });
    const { accessToken } = await server.activePerson("ada");
    server.succeed(await server.login({ username: "ada", password: PASSWORD }));
    server.refuse(await server.login({ username: "ada", password: WRONG }), "INVALID_CREDENTIALS");
    await server.as(accessToken).execute("query planted { planted1: me { id } planted2: me { id } }");
    await server.execute("mutation planted { logout { message } }");
    await server.execute("{ planted }");
    await server.execute("{ me {");

    const metrics = await metricsOf(server);

    expect(metrics.startingWith("account_operation_duration_seconds_count")).toMatchObject({
      '{operation="register",code="OK"}': 1,
      '{operation="finalizeRegistration",code="OK"}': 1,
      '{operation="login",code="OK"}': 1,
      '{operation="login",code="INVALID_CREDENTIALS"}': 1,
      '{operation="me",code="OK"}': 2,
      '{operation="logout",code="UNAUTHENTICATED"}': 1,
      '{operation="logout",code="OK"}': 0,
    });
    expect(metrics.startingWith("account_documents_refused_total")).toEqual({
      '{code="GRAPHQL_VALIDATION_FAILED"}': 1,
      '{code="GRAPHQL_PARSE_FAILED"}': 1,
    });
    const login = 'account_operation_duration_seconds_sum{operation="login",code="OK"}';
    expect(metrics.values.get(login), "a hash takes milliseconds").toBeGreaterThan(0.001);
    for (const text of ["planted", "ada", "example.com", PASSWORD, accessToken])
      expect(metrics.text, "the metrics").not.toContain(text);
  });

  test("are all there from the beginning, so that the first one is seen to happen", async () => {
    const metrics = await metricsOf(await startServer({ env: METRICS }));
    const names = Object.keys(metrics.startingWith("account_operation_duration_seconds_count"));
    expect(names.sort()).toEqual(
      [...listedCodes.keys()].map((name) => `{operation="${name}",code="OK"}`).sort(),
    );
  });

  test("that meet a fault of the server count as such, as often as the log has a line about it", async () => {
    const log = captureLog();
    const server = await startServer({ env: METRICS });
    await server.query("alter table accounts.users rename to elsewhere");
    for (const username of ["ada", "grace"])
      server.refuse(await server.login({ username, password: PASSWORD }), "INTERNAL_SERVER_ERROR");

    const { values } = await metricsOf(server);
    expect(values.get("account_unexpected_errors_total")).toBe(2);
    expect(values.get(ended("login", "INTERNAL_SERVER_ERROR"))).toBe(2);
    expect(log.text.match(/unexpected error/g)).toHaveLength(2);
  });
});

test(
  "hashing shows how long passwords wait and take, and what is refused, which the log tells once",
  { timeout: 120_000 },
  async () => {
    const log = captureLog();
    // As through a proxy, which may open more connections than a client.
    const server = await startServer({
      env: { ...METRICS, ...FULL_HASHES, TRUSTED_PROXIES: "127.0.0.1", LOG_LEVEL: "warn" },
    });
    const logins = Array.from({ length: 480 }, () => server.login({ username: "ada", password: WRONG }));
    await expect
      .poll(async () => (await metricsOf(server)).values.get("account_hashing_waiting"))
      .toBeGreaterThan(0);
    const codes = (await Promise.all(logins)).map(({ errors }) => errors[0]!.extensions.code);
    const busy = codes.filter((code) => code === "SERVER_BUSY").length;
    expect(busy).toBeGreaterThan(0);

    const { values } = await metricsOf(server);
    expect(values.get("account_hashing_refusals_total")).toBe(busy);
    expect(values.get("account_hashing_wait_seconds_count")).toBe(480 - busy);
    expect(values.get("account_hashing_work_seconds_count")).toBe(480 - busy);
    expect(values.get("account_hashing_wait_seconds_sum")).toBeGreaterThan(
      values.get("account_hashing_work_seconds_sum")!,
    );
    expect(values.get("account_hashing_waiting")).toBe(0);
    expect(log.text.match(/passwords wait to be hashed/g)).toHaveLength(1);
  },
);

test("what is tried too often counts by the limit that it met", async () => {
  const server = await startServer({
    env: { ...METRICS, RATE_LIMITS: "password-account-address=2,mail-recipient=1" },
  });
  await server.activePerson("ada");
  for (let guesses = 0; guesses < 4; guesses += 1) await server.login({ username: "ada", password: WRONG });
  server.refuse(await server.requestReset({ email: "ada@example.com" }), "RATE_LIMITED");

  const limits = (await metricsOf(server)).startingWith("account_limits_met_total");
  expect(limits).toMatchObject({
    '{limit="password-account-address"}': 2,
    '{limit="mail-recipient"}': 1,
    '{limit="mail-total"}': 0,
  });
});

describe("the database", () => {
  test("shows an outage while it lasts, and metrics are read meanwhile", { timeout: 120_000 }, async () => {
    captureLog();
    const { proxy, databaseUrl } = await DatabaseProxy.start();
    const server = await startServer({ databaseUrl, env: METRICS });
    await becomes(server, 'account_mails_unsent{state="waiting"}', 0);
    proxy.stall();
    server.refuse(await server.login({ username: "ada", password: PASSWORD }), "SERVICE_UNAVAILABLE");

    const { values } = await metricsOf(server);
    expect(values.get("account_database_outage")).toBe(1);
    expect(values.get("account_database_outages_total")).toBe(1);
    expect(values.get(ended("login", "SERVICE_UNAVAILABLE"))).toBe(1);
    // The queue was asked when all was well, and its answer is kept for a while; then there is none.
    await becomes(server, 'account_mails_unsent{state="waiting"}', undefined);

    proxy.mend();
    await becomes(server, "account_database_outage", 0);
    await becomes(server, 'account_mails_unsent{state="waiting"}', 0);
  });

  test("that answers slowly shows in how long connections are in use, and the log tells it once", async () => {
    const log = captureLog();
    const server = await startServer({ env: { ...METRICS, LOG_LEVEL: "warn" } });
    await server.activePerson("ada");
    // Any sign-in waits for a few seconds, as on a disk that is too busy.
    await server.query(
      `create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(2.5); return new; end';
       create trigger slow before insert on accounts.sessions for each row execute function slow()`,
    );
    await Promise.all(
      [1, 2, 3].map(async () => server.succeed(await server.login({ username: "ada", password: PASSWORD }))),
    );

    const uses = (await metricsOf(server)).startingWith("account_database_use_seconds_bucket");
    expect(uses['{le="+Inf"}']! - uses['{le="2"}']!).toBe(3);
    expect(log.text.match(/the database answers slowly/g)).toHaveLength(1);
  });

  test("shows the connections in use, and who waits for one", { timeout: 120_000 }, async () => {
    captureLog();
    const server = await startServer({ env: METRICS });
    await server.activePerson("ada");
    const gate = new pg.Client({ connectionString: server.databaseUrl });
    await gate.connect();
    onTestFinished(() => gate.end());
    await gate.query("begin; lock table accounts.users in access exclusive mode");
    const logins = Array.from({ length: 15 }, () => server.login({ username: "ada", password: PASSWORD }));
    await becomes(server, 'account_database_connections{pool="requests",state="used"}', 10);
    await becomes(server, 'account_database_waiting{pool="requests"}', 5);
    await gate.query("rollback");
    await Promise.all(logins);
    await becomes(server, 'account_database_connections{pool="requests",state="used"}', 0);
    await becomes(server, 'account_database_waiting{pool="requests"}', 0);
  });

  test("is asked for the queue once, however often the metrics are read", async () => {
    const databaseUrl = await createDatabase(inject("postgresUrl"));
    const name = new URL(databaseUrl).pathname.slice(1);
    await query(inject("postgresUrl"), `alter database ${name} set log_statement = 'all'`);
    const server = await startServer({ databaseUrl, env: METRICS });
    await Promise.all(Array.from({ length: 15 }, () => metricsOf(server)));
    for (let reads = 0; reads < 5; reads += 1) await metricsOf(server);
    expect(readFileSync(inject("postgresLog"), "utf8").match(/"oldestSeconds"/g)).toHaveLength(1);
  });
});

describe("emails", () => {
  test("count as sent, put off and failed, and show how many wait and for how long", async () => {
    captureLog();
    const server = await startServer({ env: METRICS });
    await server.activePerson("ada");
    server.smtp.refusal = ({ recipients: [recipient] }) =>
      recipient === "bad@example.com" ? "550 5.1.1 nobody" : "451 4.3.0 try again later";
    await server.registerPerson("bad");
    await server.registerPerson("later");
    await server.smtp.refusals(3);
    await server.query(
      "update accounts_queue.job set created_on = now() - interval '1 hour' where state = 'failed'",
    );

    await becomes(server, 'account_mails_unsent{state="failed"}', 1);
    await becomes(server, 'account_mails_unsent{state="deferred"}', 1);
    const { values } = await metricsOf(server);
    expect(values.get('account_mails_sent_total{mail="registration"}')).toBe(1);
    expect(values.get("account_mails_failed_total")).toBe(1);
    expect(values.get('account_mails_retried_total{kind="deferred"}')).toBeGreaterThan(0);
    expect(values.get('account_mails_oldest_unsent_seconds{state="failed"}')).toBeGreaterThanOrEqual(3600);
    expect(values.get('account_mails_oldest_unsent_seconds{state="deferred"}')).toBeLessThan(3600);
    expect(values.get('account_mails_unsent{state="waiting"}')).toBe(0);
  });

  test("that an outage keeps wait, as those that nobody has tried", { timeout: 120_000 }, async () => {
    captureLog();
    const server = await startServer({ env: { ...METRICS, MAIL_PORT: "1" } }); // nobody listens there
    await server.registerPerson("ada");
    await becomes(server, "account_smtp_outage", 1);
    await becomes(server, 'account_mails_unsent{state="waiting"}', 1);
    const { values } = await metricsOf(server);
    expect(values.get('account_mails_unsent{state="deferred"}')).toBe(0);
    expect(values.get("account_mails_sent_total")).toBeUndefined();
  });
});

test("what runs, and how the process is, are told under the names that every dashboard knows", async () => {
  const metrics = await metricsOf(await startServer({ env: METRICS }));
  expect(metrics.startingWith("account_build_info")).toEqual({
    [`{version="0.1.0",node_version="${process.versions.node}"}`]: 1,
  });
  for (const name of [
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "nodejs_eventloop_lag_p99_seconds",
  ])
    expect([...metrics.names]).toContain(name);
});
