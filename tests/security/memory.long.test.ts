// Whatever a client sends, or does not read, the server stays below 300 MB of memory and goes on answering others.
import { once } from "node:events";
import { connect, type Socket } from "node:net";

import { expect, inject, onTestFinished, test } from "vitest";

import { createDatabase, query } from "../support/postgres.ts";
import { startProcess, type ServerProcess } from "../support/process.ts";
import { PASSWORD } from "../support/server.ts";
import { SmtpCatcher, tokenIn } from "../support/smtp.ts";
import type { GraphQLDoor } from "../support/graphql.ts";

const MAX_MEGABYTES = 300;
const TIMEOUT = { timeout: 600_000 };
const ADA = { username: "ada", email: "ada@example.com", password: PASSWORD };
const times = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => make(index)).join(" ");
/** The largest list that is served: nearly a megabyte. */
const LARGE = `{ recentActivity(first: 100) { edges { node { ${times(37, (index) => `a${index}: device`)} } } } }`;

/** A server with one user, who has events that anonymous clients can make. */
async function start(events: number): Promise<{ server: ServerProcess; door: GraphQLDoor; token: string }> {
  const smtp = await SmtpCatcher.start();
  onTestFinished(() => smtp.close());
  const databaseUrl = await createDatabase(inject("postgresUrl"));
  const server = await startProcess({
    env: {
      DATABASE_URL: databaseUrl,
      JWT_SECRET: "a secret of this test, at least 32 bytes long",
      MAIL_SERVER: "127.0.0.1",
      MAIL_PORT: String(smtp.port),
      NODE_OPTIONS: "--max-semi-space-size=8", // as docs/operations.md says
      TRUSTED_PROXIES: "127.0.0.1",
    },
  });
  const door = await server.ready();
  door.succeed(await door.register(ADA));
  const confirmed = await door.finalizeRegistration({ token: tokenIn(await smtp.mailTo(ADA.email)) });
  const { accessToken, user } = door.succeed(confirmed);
  await query(
    databaseUrl,
    `insert into accounts.account_events (user_id, type, occurred_at, address, user_agent, actor)
     select $1, 'LOGIN_FAILED', now(), '127.0.0.1', repeat('x', 256), 'ANYONE' from generate_series(1, $2::int)`,
    [user.id, events],
  );
  await query(databaseUrl, "analyze");
  return { server, door, token: accessToken };
}

async function open(door: GraphQLDoor, localAddress: string): Promise<Socket> {
  const { hostname, port } = new URL(door.url);
  const socket = connect({ host: hostname, port: Number(port), localAddress });
  socket.on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

function request(token: string, graphql: string): string {
  const body = JSON.stringify({ query: graphql });
  const head = ["POST /graphql HTTP/1.1", "Host: localhost", "Content-Type: application/json"];
  head.push(`Authorization: Bearer ${token}`, `Content-Length: ${body.length}`);
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

/** Others are answered all the time while the attack goes on. */
async function othersAreServed(door: GraphQLDoor, attack: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  void attack.finally(() => over.abort());
  let answers = 0;
  while (!over.signal.aborted) {
    door.succeed(await door.me());
    answers += 1;
  }
  await attack;
  expect(answers, "answers to others in the meantime").toBeGreaterThan(20);
}

test("an account with 250,000 events is exported", TIMEOUT, async () => {
  const { server, door, token } = await start(250_000);
  const exports = async () => {
    for (let count = 0; count < 5; count += 1)
      door.succeed(await door.as(token).exportAccount({ password: PASSWORD }));
  };
  await othersAreServed(door, exports());
  expect(server.peakMegabytes()).toBeLessThan(MAX_MEGABYTES);
});

test("2,000 large answers are asked for on 100 connections, and read", TIMEOUT, async () => {
  const { server, door, token } = await start(1_000);
  const attack = Promise.all(
    Array.from({ length: 100 }, async () => {
      for (let count = 0; count < 20; count += 1) door.succeed(await door.as(token).execute(LARGE));
    }),
  );
  await othersAreServed(door, attack);
  expect(server.peakMegabytes()).toBeLessThan(MAX_MEGABYTES);
});

test("nobody reads 1,000 large answers on 100 connections", TIMEOUT, async () => {
  const { server, door, token } = await start(1_000);
  for (let count = 0; count < 100; count += 1) {
    const socket = (await open(door, `127.0.0.${2 + (count % 2)}`)).pause();
    socket.write(request(token, LARGE).repeat(10));
  }
  // Answered in turn: after all that the same address asked for before.
  for (const address of ["127.0.0.2", "127.0.0.3"]) {
    let isAnswered = false;
    while (!isAnswered) {
      const socket = await open(door, address);
      socket.write(request(token, LARGE));
      const closed = once(socket, "close").then(() => false); // if it has to wait for too long
      isAnswered = await Promise.race([closed, once(socket, "data").then(() => true)]);
    }
  }
  expect(server.peakMegabytes()).toBeLessThan(MAX_MEGABYTES);
});

test("30,000 different documents are sent", TIMEOUT, async () => {
  const { server, door } = await start(0);
  let sent = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (sent < 30_000) {
        sent += 1;
        const answer = await door.execute(
          `query Q${sent} { ${times(10, (index) => `a${sent}_${index}: me { id }`)} }`,
        );
        if (answer.status !== 200) throw new Error(answer.text);
      }
    }),
  );
  expect(server.peakMegabytes()).toBeLessThan(MAX_MEGABYTES);
});

test("1,000 logins and 1,000 registrations of 500 addresses are sent at once", TIMEOUT, async () => {
  const { server, door } = await start(0);
  const attack = Promise.all(
    Array.from({ length: 1_000 }, async (_, n) => {
      const client = door.with({ "x-forwarded-for": `198.51.${n % 2}.${n % 250}` });
      const username = `somebody-${n}`;
      const login = client.login({ username, password: PASSWORD });
      const registration = client.register({ ...ADA, username, email: `${username}@example.com` });
      for (const answer of await Promise.allSettled([login, registration]))
        if (answer.status === "fulfilled") expect(answer.value.status).toBe(200); // others waited for too long
    }),
  );
  await othersAreServed(door, attack);
  expect(server.peakMegabytes()).toBeLessThan(MAX_MEGABYTES);
});

test("2,000 requests of the largest size lack their last byte", TIMEOUT, async () => {
  const { server, door } = await start(0);
  const body = Buffer.alloc(16 * 1024 - 1, " ");
  const head = `POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length + 1}\r\n\r\n`;
  for (let count = 0; count < 2_000; count += 1) {
    const socket = await open(door, `127.0.0.${2 + (count % 20)}`);
    await new Promise((resolve) => socket.write(Buffer.concat([Buffer.from(head), body]), resolve));
  }
  door.succeed(await door.me());
  expect(server.peakMegabytes()).toBeLessThan(MAX_MEGABYTES);
});
