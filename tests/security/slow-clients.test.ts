// Clients that open connections without end, or take no answer, get no more than their share of the server's memory.
import { once } from "node:events";
import { connect, type Socket } from "node:net";

import { expect, onTestFinished, test } from "vitest";

import { startServer, type TestServer } from "../support/server.ts";

const MAX_CONNECTIONS = 200;

/** A connection from one of this machine's own addresses. */
async function open(server: TestServer, localAddress = "127.0.0.1"): Promise<Socket> {
  const { hostname, port } = new URL(server.url);
  const socket = connect({ host: hostname, port: Number(port), localAddress });
  socket.on("error", () => undefined); // the server may hang up
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** The status of an answer; 0 if the server hangs up. */
async function livez(socket: Socket): Promise<number> {
  const closed = once(socket, "close").then(() => "");
  socket.write("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const head = await Promise.race([once(socket, "data").then(String), closed]);
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0);
}

async function openMany(server: TestServer, localAddress: string): Promise<Socket[]> {
  const sockets = [];
  for (let count = 0; count < MAX_CONNECTIONS; count += 1) sockets.push(await open(server, localAddress));
  return sockets;
}

test("a client cannot open connections without end, and takes none from others", async () => {
  const server = await startServer({ env: { LOG_LEVEL: "silent" } });
  const sockets = await openMany(server, "127.0.0.2");
  expect(await livez(sockets[0]!)).toBe(200);
  expect(await livez(sockets.at(-1)!)).toBe(200);

  expect(await livez(await open(server, "127.0.0.2"))).toBe(0);
  expect(await livez(await open(server, "127.0.0.3"))).toBe(200);

  sockets[0]!.destroy();
  await expect.poll(async () => livez(await open(server, "127.0.0.2"))).toBe(200);
});

test("a trusted proxy may open as many connections as it needs", async () => {
  const server = await startServer({ env: { TRUSTED_PROXIES: "127.0.0.0/30" } });
  await openMany(server, "127.0.0.2");
  expect(await livez(await open(server, "127.0.0.2"))).toBe(200);
});

/** The largest list that is served: nearly a megabyte. */
const LARGE = `{ recentActivity(first: 100) { edges { node { ${Array.from(
  { length: 37 },
  (_, index) => `a${index}: device`,
).join(" ")} } } } }`;

/** Sends requests for it all at once, without waiting for the answers. */
function sendLarge(socket: Socket, accessToken: string, times: number): void {
  const body = JSON.stringify({ query: LARGE });
  const head = ["POST /graphql HTTP/1.1", "Host: localhost", "Content-Type: application/json"];
  head.push(`Authorization: Bearer ${accessToken}`, `Content-Length: ${body.length}`);
  socket.write(`${head.join("\r\n")}\r\n\r\n${body}`.repeat(times));
}

/** How many answers begin to come, up to as many as are expected, or to the end of the connection. */
async function answersOf(socket: Socket, expected: number): Promise<number> {
  let count = 0;
  let rest = "";
  const closed = once(socket, "close");
  const all = new Promise<void>((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      const [, ...answers] = (rest + chunk.toString("latin1")).split('\r\n\r\n{"data":');
      count += answers.length;
      rest = chunk.toString("latin1").slice(-12);
      if (count === expected && rest.endsWith("}\n")) resolve();
    });
  });
  socket.resume();
  await Promise.race([all, closed]);
  return count;
}

test("answers that nobody reads are given up, the oldest first, and other clients get theirs", async () => {
  const server = await startServer();
  const { id, accessToken } = await server.activePerson("ada");
  await server.query(
    `insert into accounts.account_events (user_id, type, occurred_at, user_agent, actor)
     select $1, 'LOGIN_FAILED', now(), repeat('x', 256), 'ANYONE' from generate_series(1, 100)`,
    [id],
  );
  const answer = await server.as(accessToken).execute(LARGE);
  server.succeed(answer);
  expect(answer.text.length).toBeGreaterThan(950_000);

  // Ten megabytes each, of which the operating system buffers about half; two hundred together.
  const unread: Socket[] = [];
  for (let count = 0; count < 20; count += 1) {
    const socket = (await open(server)).pause();
    sendLarge(socket, accessToken, 10);
    unread.push(socket);
  }
  const reader = await open(server, "127.0.0.2");
  sendLarge(reader, accessToken, 3);

  expect(await answersOf(reader, 3)).toBe(3);
  const others = await open(server);
  sendLarge(others, accessToken, 1); // after all of the same client
  expect(await answersOf(others, 1)).toBe(1);
  const received = await Promise.all(unread.map((socket) => answersOf(socket, 10)));
  const isCutOff = received.map((count) => count < 10);
  expect(isCutOff.slice(0, 10)).toContain(true);
  expect(isCutOff.slice(-5)).not.toContain(true);
});
