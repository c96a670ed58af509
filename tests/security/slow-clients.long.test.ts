// Clients that stop in the middle of a request or of an answer do not keep their connection.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

import { expect, onTestFinished, test } from "vitest";

import { startServer, type TestServer } from "../support/server.ts";

const TIMEOUT = { timeout: 180_000 };

async function open(server: TestServer): Promise<Socket> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => undefined); // the server hangs up
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

const HEAD = "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

test.each([
  ["nothing", ""],
  ["half a head", "POST /graphql HTTP/1.1\r\nHost: "],
  ["a head without its body", `${HEAD}Content-Length: 100\r\n\r\n`],
])("a connection is closed on which %s came", TIMEOUT, async (_what, bytes) => {
  const server = await startServer();
  const socket = await open(server);
  socket.resume().write(bytes);
  await once(socket, "close");
});

test.each([
  ["a head", "POST /graphql HTTP/1.1\r\nX: "],
  ["a body", `${HEAD}Content-Length: 10000\r\n\r\n`],
])("%s that comes byte by byte is given 30 seconds, not twice as many", TIMEOUT, async (_what, bytes) => {
  const server = await startServer();
  const socket = await open(server);
  const closed = once(socket.resume(), "close").then(() => "closed" as const);
  socket.write(bytes);
  let sent = 0;
  while ((await Promise.race([closed, delay(1_000, "open" as const)])) === "open") {
    socket.write("x");
    sent += 1;
  }
  expect(sent).toBeLessThan(60);
});

test("answers that are not taken are given up, and their connection closed", TIMEOUT, async () => {
  const server = await startServer();
  const { id, accessToken } = await server.activePerson("ada");
  await server.query(
    `insert into accounts.account_events (user_id, type, occurred_at, user_agent, actor)
     select $1, 'LOGIN_FAILED', now(), repeat('x', 256), 'ANYONE' from generate_series(1, 100)`,
    [id],
  );
  const aliases = Array.from({ length: 37 }, (_, index) => `a${index}: device`).join(" ");
  const body = JSON.stringify({ query: `{ recentActivity(first: 100) { edges { node { ${aliases} } } } }` });
  const head = `${HEAD}Authorization: Bearer ${accessToken}\r\nContent-Length: ${body.length}\r\n\r\n`;
  // Ten megabytes, of which the operating system buffers about half.
  const socket = (await open(server)).pause();
  socket.write((head + body).repeat(10));
  const later = await open(server);
  later.write(head + body); // its turn is after the others
  await once(later, "data");

  await delay(65_000); // the time limit is what is tested
  let received = 0;
  socket.on("data", (chunk: Buffer) => (received += chunk.length));
  socket.resume();
  await once(socket, "close");
  expect(received).toBeLessThan(9_000_000);
});
