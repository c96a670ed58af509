// Stands between a client and the server, as the network and a proxy do: counts what passes, and holds, loses or replaces it.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

import { onTestFinished } from "vitest";

import type { TestServer } from "./server.ts";

/** What becomes of the next requests whose body matches: their answer is lost, or another comes from in between. */
interface Trouble {
  readonly with: RegExp;
  readonly times: number;
  readonly answer?: { readonly status: number; readonly type: string; readonly body: string };
}

const PAGE = `<!doctype html>
<title>A page of a front end</title>
<link rel="icon" href="data:," />
<script type="module">
  import { createSession } from "/client/session.js";
  const options = new URLSearchParams(location.search);
  const url = options.get("url") ?? "/graphql";
  const storage = globalThis[options.get("storage")];
  const session = createSession(storage ? { url, storage } : { url });
  const states = [];
  session.subscribe((state) => states.push(state));
  const ask = async (query) => {
    const headers = { "content-type": "application/json" };
    const answer = await session.fetch(url, { method: "POST", headers, body: JSON.stringify({ query }) });
    return answer.json();
  };
  Object.assign(globalThis, { session, states, ask, restored: session.restore() });
</script>`;

export class Relay {
  readonly url: string;
  readonly endpoint: string;
  /** The bodies of the requests to the endpoint, in order. */
  readonly bodies: string[] = [];
  /** Refreshes wait for it. */
  hold: Promise<unknown> = Promise.resolve();
  #trouble: Trouble | undefined;
  #left = 0;

  private constructor(port: number) {
    this.url = `http://127.0.0.1:${port}`;
    this.endpoint = `${this.url}/graphql`;
  }

  /**
   * Before this server, until the end of the test. Also has a page at `/client/` with the built client package; its parameters are
   * `url`, if it is not the relay's, and `storage`, a global variable.
   */
  static async start(server: TestServer, port = 0): Promise<Relay> {
    const http: Server = createServer((incoming, outgoing) => void relay.#pass(server, incoming, outgoing));
    await once(http.listen(port, "127.0.0.1"), "listening");
    onTestFinished(() => {
      http.close();
      http.closeAllConnections();
    });
    const relay = new Relay((http.address() as AddressInfo).port);
    return relay;
  }

  get refreshes(): number {
    return this.bodies.filter((body) => body.includes("refreshSession")).length;
  }

  make(trouble: Trouble): void {
    this.#trouble = trouble;
    this.#left = trouble.times;
  }

  async #pass(server: TestServer, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method, url = "/", headers } = incoming;
    const { pathname } = new URL(url, this.url);
    if (pathname === "/client/") return void outgoing.setHeader("content-type", "text/html").end(PAGE);
    if (pathname.startsWith("/client/")) {
      return void outgoing
        .setHeader("content-type", "text/javascript")
        .end(readFileSync(`client/dist${pathname.slice(7)}`));
    }
    const body = await text(incoming);
    this.bodies.push(body);
    if (body.includes("refreshSession")) await this.hold;
    const trouble = this.#left > 0 && this.#trouble?.with.test(body) ? this.#trouble : undefined;
    if (trouble) this.#left--;
    if (trouble?.answer) {
      const { status, type, body: instead } = trouble.answer;
      return void outgoing.writeHead(status, { "content-type": type }).end(instead);
    }
    request(`${server.url}${url}`, { method: method!, headers }, (answer) => {
      if (trouble) answer.resume().on("end", () => incoming.socket.destroy());
      else answer.pipe(outgoing.writeHead(answer.statusCode!, answer.rawHeaders));
    }).end(body);
  }
}
