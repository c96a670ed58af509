// WORKERS: several processes on one port.
import { expect, test } from "vitest";

import { ended, metricsAt } from "../support/metrics.ts";
import { externalParts, startProcess } from "../support/process.ts";
import { PASSWORD } from "../support/server.ts";
import { tokenIn } from "../support/smtp.ts";

const ADA = { username: "ada", email: "ada@example.com", password: PASSWORD };

test(
  "a registration goes through whichever process answers, with one mail",
  { timeout: 120_000 },
  async () => {
    const { smtp, env } = await externalParts();
    const server = await startProcess({ env: { ...env, WORKERS: "2" } });
    const door = await server.ready();
    await expect.poll(() => server.children("serve.js").length).toBe(2);

    door.succeed(await door.register(ADA));
    const token = tokenIn(await smtp.mailTo(ADA.email));
    door.succeed(await door.finalizeRegistration({ token }));
    const logins = await Promise.all(
      Array.from({ length: 8 }, () => door.login({ username: ADA.username, password: PASSWORD })),
    );
    const { accessToken } = door.succeed(logins[0]!);
    // Connections go to the processes in turn: each knows the session.
    const answers = await Promise.all(Array.from({ length: 20 }, () => door.as(accessToken).me()));
    for (const answer of answers) expect(door.succeed(answer)).toMatchObject({ username: "ada" });
    expect(smtp.received).toHaveLength(1);
    expect(await server.end("SIGTERM")).toBe(0);
  },
);

test("a process that is killed is replaced, while the others serve", async () => {
  const { env } = await externalParts();
  const server = await startProcess({ env: { ...env, WORKERS: "2" } });
  const door = await server.ready();
  await expect.poll(() => server.children("serve.js").length).toBe(2);
  await expect.poll(() => server.output.split("is ready").length, { timeout: 20_000 }).toBe(3); // both serve
  const [killed] = server.children("serve.js");
  process.kill(killed!, "SIGKILL");
  await expect.poll(() => server.output).toContain("Starting another one");
  await expect.poll(() => server.children("serve.js").length).toBe(2);
  expect(server.children("serve.js")).not.toContain(killed);
  expect((await door.me()).errors).toEqual([]);
  expect(await server.end("SIGINT")).toBe(0);
});

test("the metrics of all processes are one answer", async () => {
  const { env } = await externalParts();
  const server = await startProcess({ env: { ...env, WORKERS: "2", METRICS_PORT: "0" } });
  const door = await server.ready();
  await expect.poll(() => server.output.split("is ready").length).toBe(3); // both serve
  const url = /metrics at (\S+)/.exec(server.output)![1]!;

  // Connections go to the processes in turn.
  await Promise.all(
    Array.from({ length: 20 }, () => door.with({ connection: "close" }).register({ ...ADA, username: "a" })),
  );

  const metrics = await metricsAt(url);
  expect(metrics.values.get(ended("register", "BAD_USER_INPUT"))).toBe(20);
  expect(metrics.values.get("account_database_outage")).toBe(0);
  expect(Object.values(metrics.startingWith("account_build_info"))).toEqual([1]);
  expect(metrics.values.get('account_mails_unsent{state="waiting"}')).toBe(0);
  expect(await server.end("SIGTERM")).toBe(0);
});

test("where they cannot start, all end with exit code 1 and the reason", async () => {
  const { env } = await externalParts();
  const databaseUrl = new URL(env.DATABASE_URL);
  databaseUrl.password = "wrong";
  const server = await startProcess({ env: { ...env, DATABASE_URL: databaseUrl.href, WORKERS: "2" } });
  expect(await server.exited()).toBe(1);
  expect(server.output).toMatch(/password authentication failed/);
});

test("more than one process is refused where a stand-in would have to be shared", async () => {
  const server = await startProcess({ env: { WORKERS: "2" } });
  expect(await server.exited()).toBe(1);
  expect(server.output).toContain("Set DATABASE_URL, JWT_SECRET and MAIL_SERVER too, or WORKERS=1");
});
