// compose.yaml as `docker compose up` runs it: two servers behind a proxy, and everything that they need. Debian's packages stand in for
// the images of HAProxy, PostgreSQL, PgBouncer and Prometheus, and a few lines for Mailpit; Grafana is left out.
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

import { GraphQLDoor } from "../support/graphql.ts";
import { buildImage, podman, standIn, startPodman, whyNoCompose } from "../support/podman.ts";
import { PASSWORD } from "../support/server.ts";

const reason = whyNoCompose();
if (reason !== null) console.warn(`compose.yaml is not tested: ${reason}`);

const PROJECT = "account-server-test";

describe.skipIf(reason !== null)("compose.yaml", { timeout: 300_000 }, () => {
  let folder = "";
  let service: ReturnType<typeof startPodman>;

  /** Runs docker-compose in a container that speaks to this machine's podman. */
  const compose = async (...args: string[]) =>
    podman(
      "run",
      "--rm",
      "--network=host",
      `--volume=${folder}:${folder}`,
      `--volume=${process.cwd()}:${process.cwd()}:ro`,
      `--workdir=${process.cwd()}`,
      `--env=DOCKER_HOST=unix://${folder}/podman.sock`,
      await standIn("compose"),
      "/usr/libexec/docker/cli-plugins/docker-compose",
      `--project-name=${PROJECT}`,
      "--file=compose.yaml",
      `--file=${folder}/stand-ins.yaml`,
      ...args,
    );

  /** Where a port of a service is published. */
  const urlOf = async (name: string, port: number) =>
    `http://${(await compose("port", name, String(port))).trim()}`;

  async function newestToken(recipient: string): Promise<string> {
    const url = `${await urlOf("mailpit", 8025)}/api/v1/message/latest`;
    const text = async () => {
      const mail = (await (await fetch(url)).json()) as { To: { Address: string }[]; Text: string } | null;
      return mail?.To[0]?.Address === recipient ? mail.Text : "";
    };
    await expect.poll(text).toMatch(/token=/);
    return /http:\/\/localhost:4000\/#\/finalize\?token=([\w.-]+)/.exec(await text())![1]!;
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "account-server-compose-"));
    service = startPodman(["system", "service", "--time=0", `unix://${folder}/podman.sock`]);
    await vi.waitUntil(() => existsSync(`${folder}/podman.sock`), 60_000);
    const image = await buildImage();
    const standIns = resolve("tests/support/stand-ins");
    await writeFile(
      `${folder}/stand-ins.yaml`,
      `services:
  proxy: { image: "${await standIn("haproxy")}", ports: !override ["127.0.0.1::4000"] }
  postgres:
    image: "${await standIn("postgres")}"
    volumes: ["${standIns}/postgres.sh:/entrypoint.sh:ro"]
  pgbouncer: { image: "${await standIn("pgbouncer")}" }
  prometheus: { image: "${await standIn("prometheus")}", ports: !override ["127.0.0.1::9090"] }
  grafana: { profiles: [without a stand-in] }
  server: { image: "${image}" }
  secrets: { image: "${image}" }
  mailpit:
    image: "${image}"
    command: [/app/mailpit.mjs]
    ports: !override ["127.0.0.1::8025"]
    volumes: ["${standIns}/mailpit.mjs:/app/mailpit.mjs:ro"]
`,
    );
  }, 900_000);

  afterAll(async () => {
    await compose("down", "--volumes", "--timeout=0");
    service.kill("SIGTERM");
    await rm(folder, { recursive: true, force: true });
  });

  /** Starts what is not there, and waits until the proxy has a server that is ready. */
  async function up(): Promise<GraphQLDoor> {
    await compose("up", "--detach", "--no-build");
    const url = await urlOf("proxy", 4000);
    const isReady = () =>
      fetch(`${url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
    await expect.poll(isReady, { interval: 200 }).toBe(true);
    return new GraphQLDoor(url);
  }

  async function activePerson(door: GraphQLDoor, username: string): Promise<string> {
    door.succeed(await door.register({ username, email: `${username}@example.com`, password: PASSWORD }));
    return door.succeed(
      await door.finalizeRegistration({ token: await newestToken(`${username}@example.com`) }),
    ).accessToken;
  }

  test("serves the first registration", async () => {
    const begin = performance.now();
    const door = await up();
    expect(door.succeed(await door.as(await activePerson(door, "ada")).me())?.username).toBe("ada");
    console.log(
      `the first account was active after ${Math.round((performance.now() - begin) / 1000)} seconds`,
    );
  });

  test("keeps accounts and secrets when everything is stopped, removed and started again", async () => {
    const accessToken = await activePerson(await up(), "grace");
    const listed = await compose("run", "--rm", "--no-TTY", "server", "/app/dist/bin/account.js", "list");
    expect(listed).toContain("grace@example.com");
    await compose("cp", "server:/run/account-server/.env", `${folder}/secrets.env`);
    expect(await readFile(`${folder}/secrets.env`, "utf8")).toMatch(/^JWT_SECRET=.{64}$/m);

    await compose("down", "--timeout=20");
    const door = await up();
    expect(door.succeed(await door.as(accessToken).me())?.username, "signed by the same secret").toBe(
      "grace",
    );
  });

  test("answers every request while one of the two servers stops", async () => {
    const door = await up();
    const servers = (await compose("ps", "--quiet", "server")).trim().split("\n");
    expect(servers).toHaveLength(2);
    const ready = await door.execute("{ __typename }");
    expect(ready.status).toBe(200);

    const stopped = podman(
      "--remote",
      `--url=unix://${folder}/podman.sock`,
      "stop",
      "--time=20",
      servers[0]!,
    );
    const end = new AbortController();
    void stopped.then(() => end.abort());
    const statuses: number[] = [];
    while (!end.signal.aborted) statuses.push((await door.execute("{ __typename }")).status);
    for (let more = 0; more < 20; more++) statuses.push((await door.execute("{ __typename }")).status);
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  test("reads the metrics of both servers, and the alerts", async () => {
    await up();
    const url = await urlOf("prometheus", 9090);
    const ask = async (path: string) =>
      (await (await fetch(`${url}/api/v1/${path}`)).json()) as {
        data: { result: unknown[]; groups: unknown[] };
      };
    const serving = async () =>
      (await ask("query?query=up%7Bjob%3D%22account-server%22%7D+%3D%3D+1")).data.result.length;
    await expect.poll(serving, { timeout: 120_000, interval: 1000 }).toBe(2);
    expect((await ask("rules")).data.groups).not.toEqual([]);
  });

  test("takes the address of a client from the proxy, whatever the client says", async () => {
    const door = await up();
    await activePerson(door, "joan");
    const liar = door.with({ "x-forwarded-for": "203.0.113.9" });
    const { accessToken } = liar.succeed(await liar.login({ username: "joan", password: PASSWORD }));
    const sessions = door.succeed(await door.as(accessToken).sessions());
    expect(sessions.map(({ address }) => address)).not.toContain("203.0.113.9");
    expect(sessions.map(({ address }) => address)).not.toContain(null);
  });
});
