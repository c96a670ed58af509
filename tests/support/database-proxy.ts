// Stands between the server and PostgreSQL, and can fail in the ways a network does.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

import { inject, onTestFinished } from "vitest";

import { createDatabase } from "./postgres.ts";

export class DatabaseProxy {
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

  /** A new proxy, before a new database unless there is one, which lives until the end of the test. */
  static async start(target?: string): Promise<{ proxy: DatabaseProxy; databaseUrl: string }> {
    const url = new URL(target ?? (await createDatabase(inject("postgresUrl"))));
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
