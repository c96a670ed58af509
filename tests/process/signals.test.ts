// How the process ends and comes back: signals, kills, and mails that must survive both.
import { readdir, readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";

import pg from "pg";
import { expect, onTestFinished, test } from "vitest";

import { DatabaseProxy } from "../support/database-proxy.ts";
import { query } from "../support/postgres.ts";
import { dataLocation, externalParts, startProcess, temporaryFolder } from "../support/process.ts";
import { PASSWORD } from "../support/server.ts";
import { tokenIn } from "../support/smtp.ts";

const ADA = { username: "ada", email: "ada@example.com", password: PASSWORD };

test.each(["SIGTERM", "SIGINT"] as const)("%s ends the server in order with exit code 0", async (signal) => {
  const server = await startProcess({ env: { DATA_DIR: await temporaryFolder() } });
  await server.ready();
  expect(await server.end(signal)).toBe(0);
});

test("repeated signals, as from a terminal and npm together, still end it in order", async () => {
  const server = await startProcess({ env: { DATA_DIR: await temporaryFolder() } });
  await server.ready();
  server.child.kill("SIGINT");
  server.child.kill("SIGTERM");
  expect(await server.end("SIGINT")).toBe(0);
});

test("a signal while it starts ends it in order, and the next start works", async () => {
  const env = { DATA_DIR: await temporaryFolder() };
  const first = await startProcess({ env });
  await expect.poll(() => readdir(env.DATA_DIR)).not.toEqual([]);
  expect(await first.end("SIGTERM")).toBe(0);
  const second = await startProcess({ env });
  expect((await (await second.ready()).me()).errors).toEqual([]);
});

test("a request in flight is answered before the end, and no new connection is taken", async () => {
  const server = await startProcess({ env: { DATA_DIR: await temporaryFolder() } });
  const door = await server.ready();
  const { hostname, port } = new URL(door.url);
  // Headers first, the body only once the server is stopping: a request in flight for as long as the test wants.
  const body = JSON.stringify({ query: "{ me { id } }" });
  const socket = connect(Number(port), hostname);
  socket.write(
    `POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  let answer = "";
  socket.on("data", (chunk) => (answer += String(chunk)));
  await fetch(`${door.url}/livez`); // the server has read what was sent before
  server.child.kill("SIGTERM");
  await expect
    .poll(() =>
      fetch(`${door.url}/livez`).then(
        () => "taken",
        () => "refused",
      ),
    )
    .toBe("refused");
  socket.write(body);
  await expect.poll(() => answer).toContain('{"data":{"me":null}}');
  expect(await server.exited()).toBe(0);
});

test("for DRAIN_SECONDS, new requests are answered while the readiness check fails, and proxies let go", async () => {
  const server = await startProcess({ env: { DATA_DIR: await temporaryFolder(), DRAIN_SECONDS: "2" } });
  const door = await server.ready();
  const statusOf = async (path: string) => (await fetch(new URL(path, door.url))).status;
  expect(await statusOf("/readyz")).toBe(200);

  server.child.kill("SIGTERM");

  await expect.poll(() => statusOf("/readyz")).toBe(503);
  const answer = await door.me();
  expect(door.succeed(answer)).toBeNull();
  expect(answer.headers.get("connection")).toBe("close");
  expect(await server.exited()).toBe(0);
});

test("a server killed between commit and sending sends the mail after its restart", async () => {
  const { smtp, env } = await externalParts();
  smtp.refusal = "451 4.3.0 not now";
  const first = await startProcess({ env });
  const refused = smtp.refusals(1);
  (await first.ready()).succeed(await (await first.ready()).register(ADA));
  await refused;
  await first.end("SIGKILL");
  expect(smtp.received).toEqual([]);

  smtp.refusal = null;
  const second = await startProcess({ env });
  await second.ready();
  expect((await smtp.mailTo(ADA.email)).mail.subject).toContain("Confirm");
});

test("a server killed with a mail in hand has it sent again by another, as the same mail", async () => {
  const { smtp, env } = await externalParts();
  const held = smtp.hold();
  const first = await startProcess({ env });
  const door = await first.ready();
  door.succeed(await door.register(ADA));
  await held.taken;
  await first.end("SIGKILL");
  held.release(); // accepted, but nobody is left to hear of it

  const second = await startProcess({ env });
  await second.ready();
  const [unheard, sent] = await smtp.mails(2);
  expect(sent?.mail.messageId).toBe(unheard?.mail.messageId);
});

test("a mail in hand at SIGTERM that does not finish returns to the queue, and the exit is in order", async () => {
  const { smtp, env } = await externalParts();
  const held = smtp.hold();
  const first = await startProcess({ env });
  const door = await first.ready();
  door.succeed(await door.register(ADA));
  await held.taken;
  expect(await first.end("SIGTERM")).toBe(0);
  const [job] = await query<{ state: string }>(
    env.DATABASE_URL,
    "select state from accounts_queue.job where name = 'mail'",
  );
  expect(job).toEqual({ state: "retry" });
  held.release();

  const second = await startProcess({ env });
  await second.ready();
  await smtp.mails(2);
});

test("when everything is told to end at once, PostgreSQL's connections too, it still ends in order", async () => {
  const env = { DATA_DIR: await temporaryFolder() };
  const server = await startProcess({ env });
  await server.ready();
  const password = (await readFile(join(env.DATA_DIR, "database-password"), "utf8")).trim();
  const [postmaster, , , port] = (await readFile(join(dataLocation(server), "postmaster.pid"), "utf8")).split(
    "\n",
  );
  const backends = await query<{ pid: number }>(
    `postgresql://accounts:${password}@127.0.0.1:${port}/accounts`,
    "select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
  );

  server.child.kill("SIGTERM");
  for (const pid of [...backends.map(({ pid }) => pid), Number(postmaster)]) {
    try {
      process.kill(pid, "SIGTERM");
    } catch {
      // The server has closed this connection already.
    }
  }
  expect(await server.exited(), server.output).toBe(0);
});

test("a server whose database falls silent right after a login still ends in order", async () => {
  const { smtp, env } = await externalParts();
  const { proxy, databaseUrl } = await DatabaseProxy.start(env.DATABASE_URL);
  const server = await startProcess({ env: { ...env, DATABASE_URL: databaseUrl } });
  const door = await server.ready();
  door.succeed(await door.register(ADA));
  door.succeed(await door.finalizeRegistration({ token: tokenIn(await smtp.mailTo(ADA.email)) }));
  door.succeed(await door.login(ADA));

  proxy.stall();

  expect(await server.end("SIGTERM")).toBe(0);
});

test("a signal while the start waits for another replica's migration ends it in order", async () => {
  const { env } = await externalParts();
  const other = new pg.Client({ connectionString: env.DATABASE_URL });
  await other.connect();
  onTestFinished(() => other.end());
  await other.query("select pg_advisory_lock(4206501973)");
  const server = await startProcess({ env });
  await expect
    .poll(() => server.output)
    .toMatch(/is being migrated by another server\. Waiting for its end\./);
  expect(await server.end("SIGTERM")).toBe(0);
});
