// Servers are replaced one after the other behind a proxy, under load, and no client notices.
import { Agent, request } from "node:http";

import { expect, test } from "vitest";

import { externalParts, startProcess, type ServerProcess } from "../support/process.ts";
import { freePort, isInstalled, startProxy, type Proxy } from "../support/proxies.ts";
import { PASSWORD } from "../support/server.ts";
import { tokenIn } from "../support/smtp.ts";
import { GraphQLDoor } from "../support/graphql.ts";

const TRIES = 10;
const CLIENTS = 16;
// nginx does not ask whether a server is ready, and connects to it up to the moment in which its socket is closed.
const PROXIES: { proxy: Proxy; mayFail: number; promise: string }[] = [
  { proxy: "HAProxy", mayFail: 0, promise: "no request" },
  { proxy: "nginx", mayFail: 1 / 10_000, promise: "less than one request in ten thousand" },
];

test.for(PROXIES.flatMap((proxy) => [2, 4].map((servers) => ({ ...proxy, servers }))))(
  `${TRIES} rolling restarts of $servers servers behind $proxy fail $promise`,
  { timeout: 15 * 60_000 },
  async ({ proxy, mayFail, servers: count }, { skip }) => {
    if (!isInstalled(proxy)) skip(`${proxy} is not installed`);
    const { smtp, env } = await externalParts();
    const settings = { ...env, RATE_LIMITS: "off", DRAIN_SECONDS: "1" }; // the default in production
    const start = async (port: number): Promise<ServerProcess> => {
      const server = await startProcess({ env: { ...settings, PORT: String(port) } });
      await server.ready();
      return server;
    };
    const servers: { port: number; process: ServerProcess }[] = [];
    for (let index = 0; index < count; index += 1) {
      const port = await freePort();
      servers.push({ port, process: await start(port) });
    }
    const { url, seesAll } = await startProxy(
      proxy,
      servers.map(({ port }) => port),
    );
    const door = new GraphQLDoor(url);
    const ada = { username: "ada", email: "ada@example.com", password: PASSWORD };
    door.succeed(await door.register(ada));
    const token = tokenIn(await smtp.mailTo(ada.email));
    const { accessToken } = door.succeed(await door.finalizeRegistration({ token }));

    const failures: string[] = [];
    let [answered, isOver] = [0, false];
    const client = async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      while (!isOver) {
        const outcome = await ask(agent, url, accessToken);
        if (outcome === "ada") answered += 1;
        else failures.push(outcome);
      }
      agent.destroy();
    };
    const load = Promise.all(Array.from({ length: CLIENTS }, client));
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      for (const server of servers) {
        expect(await server.process.end("SIGTERM")).toBe(0);
        server.process = await start(server.port);
        await expect.poll(seesAll).toBe(true); // as every deployment waits
      }
    }
    isOver = true;
    await load;

    console.log(
      `${proxy}, ${count} servers: ${failures.length} of ${answered} requests during ${TRIES * count} restarts`,
    );
    expect(failures.slice(Math.floor(answered * mayFail))).toEqual([]);
    expect(answered).toBeGreaterThan(TRIES * count);
  },
);

/** What a client on a connection of its own gets: the username, or what went wrong. */
function ask(agent: Agent, url: string, accessToken: string): Promise<string> {
  const body = JSON.stringify({ query: "{ me { username } }" });
  const headers = { "content-type": "application/json", authorization: `Bearer ${accessToken}` };
  return new Promise((resolve) => {
    const sent = request(`${url}/graphql`, { method: "POST", agent, headers }, (answer) => {
      let text = "";
      answer.on("data", (chunk) => (text += String(chunk)));
      answer.on("error", (error) => resolve(error.message));
      answer.on("end", () => {
        const username = /"username":"(\w+)"/.exec(text)?.[1];
        resolve(username ?? `${answer.statusCode} ${text.slice(0, 200)}`);
      });
    });
    sent.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.end(body);
  });
}
