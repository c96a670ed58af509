// What an orchestrator asks: is the process alive, can it serve.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

import { expect, inject, onTestFinished, test } from "vitest";

import { captureLog } from "../support/log.ts";
import { createDatabase, query } from "../support/postgres.ts";
import { startServer } from "../support/server.ts";
import { expectRefusal } from "./refusal.ts";

/** Stands between the server and PostgreSQL, and can fail in the ways a network does. */
class DatabaseProxy {
  readonly #server: Server;
  readonly #pairs = new Set<[Socket, Socket]>();
  #isCut = false;
  #isStalled = false;

  private constructor(target: URL) {
    this.#server = createServer((client) => {
      if (this.#isCut) return void client.destroy();
      const database = connect(Number(target.port), target.hostname);
      const pair: [Socket, Socket] = [client, database];
      this.#pairs.add(pair);
      client.pipe(database).pipe(client);
      if (this.#isStalled) stall(pair);
      for (const socket of pair) {
        socket.on("error", () => undefined);
        socket.on("close", () => {
          this.#pairs.delete(pair);
          pair.forEach((end) => end.destroy());
        });
      }
    });
  }

  /** A new database behind a new proxy, which lives until the end of the test. */
  static async start(): Promise<{ proxy: DatabaseProxy; databaseUrl: string }> {
    const url = new URL(await createDatabase(inject("postgresUrl")));
    const proxy = new DatabaseProxy(new URL(url));
    await once(proxy.#server.listen(0, "127.0.0.1"), "listening");
    url.hostname = "127.0.0.1";
    url.port = String((proxy.#server.address() as AddressInfo).port);
    onTestFinished(() => {
      proxy.cut();
      proxy.#server.close();
    });
    return { proxy, databaseUrl: url.href };
  }

  /** Ends every connection and refuses new ones. */
  cut(): void {
    this.#isCut = true;
    for (const pair of this.#pairs) pair.forEach((socket) => socket.destroy());
  }

  /** Nothing gets through any more, and nobody is told. */
  stall(): void {
    this.#isStalled = true;
    this.#pairs.forEach(stall);
  }

  mend(): void {
    this.#isCut = false;
    this.#isStalled = false;
    for (const [client, database] of this.#pairs) client.pipe(database).pipe(client);
  }
}

function stall([client, database]: [Socket, Socket]): void {
  client.unpipe(database).pause();
  database.unpipe(client).pause();
}

test("/livez and /readyz answer 200 once the server has started", async () => {
  const server = await startServer();
  for (const path of ["/livez", "/readyz"]) {
    const response = await fetch(server.url + path);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "ok" });
  }
});

test("/readyz answers 503 while the database refuses connections, and 200 when it takes them again", async () => {
  captureLog();
  const databaseUrl = await createDatabase(inject("postgresUrl"));
  const server = await startServer({ databaseUrl });
  const name = new URL(databaseUrl).pathname.slice(1);
  await query(inject("postgresUrl"), `alter database ${name} with allow_connections false`);
  await query(
    inject("postgresUrl"),
    "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1",
    [name],
  );

  expectRefusal(await server.send({}, "/readyz"), 503, /^SERVICE_UNAVAILABLE$/);
  expect((await fetch(`${server.url}/livez`)).status, "a restart would mend nothing").toBe(200);

  await query(inject("postgresUrl"), `alter database ${name} with allow_connections true`);
  await expect.poll(async () => (await fetch(`${server.url}/readyz`)).status).toBe(200);
});

test("/readyz answers 503 while the database cannot be reached, and 200 when it can again", async () => {
  captureLog();
  const { proxy, databaseUrl } = await DatabaseProxy.start();
  const server = await startServer({ databaseUrl });
  proxy.cut();
  // The ends of the idle connections may still be on their way.
  await expect.poll(async () => (await fetch(`${server.url}/readyz`)).status).toBe(503);
  expectRefusal(await server.send({}, "/readyz"), 503, /^SERVICE_UNAVAILABLE$/);
  proxy.mend();
  await expect.poll(async () => (await fetch(`${server.url}/readyz`)).status).toBe(200);
});

test("/readyz answers 503 while the database keeps silent", async () => {
  captureLog();
  const { proxy, databaseUrl } = await DatabaseProxy.start();
  const server = await startServer({ databaseUrl });
  proxy.stall();
  try {
    // An orchestrator would not wait for ever either.
    const answer = await server.send({ signal: AbortSignal.timeout(10_000) }, "/readyz");
    expectRefusal(answer, 503, /^SERVICE_UNAVAILABLE$/);
  } finally {
    proxy.mend();
  }
});

test("an operation that needs a silent database's answer still leaves /livez alone", async () => {
  captureLog();
  const { proxy, databaseUrl } = await DatabaseProxy.start();
  const server = await startServer({ databaseUrl });
  proxy.stall();
  const login = server.login({ username: "nobody", password: "any password" });
  expect((await fetch(`${server.url}/livez`)).status).toBe(200);
  proxy.mend();
  server.refuse(await login, "INVALID_CREDENTIALS");
});
