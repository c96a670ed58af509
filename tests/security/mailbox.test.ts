// The mailbox of the default start holds links that log people in: it is for the person who started the server alone.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { networkInterfaces } from "node:os";
import { promisify } from "node:util";

import { describe, expect, onTestFinished, test } from "vitest";

import { startWithMailbox } from "../support/server.ts";

const PATHS = ["/mailbox", "/mailbox/messages", "/mailbox/messages/00000001/source", "/mailbox/events"];
const NOBODY = 65534;
const canBeNobody = process.platform === "linux" && process.getuid?.() === 0;
const networkAddress = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === "IPv4" && !address.internal)?.address;

/** The status of an answer by its head, whatever Host is asked for; fetch would send its own. */
async function statusOf(url: string, headers: Record<string, string> = {}): Promise<number | undefined> {
  const asked = get(url, { headers });
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  asked.destroy();
  return answer.statusCode;
}

/** A server whose mailbox has one mail. */
async function startWithMail(env: Record<string, string> = {}) {
  const server = await startWithMailbox(env);
  await server.registerPerson("ada");
  const local = `http://127.0.0.1:${new URL(server.url).port}`;
  await expect.poll(() => statusOf(`${local}/mailbox/messages/00000001/source`)).toBe(200);
  return { local, port: new URL(server.url).port };
}

describe("nobody else reads the mailbox", () => {
  test("by a host name that another site can have (DNS rebinding)", async () => {
    const { local, port } = await startWithMail({ HOST: "0.0.0.0" });
    for (const path of PATHS) {
      for (const name of ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"])
        expect(await statusOf(local + path, { host: `${name}:${port}` }), name).toBe(200);
      for (const name of [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "192.0.2.1",
        "0.0.0.0",
        "[::ffff:192.0.2.1]",
      ])
        expect(await statusOf(local + path, { host: `${name}:${port}` }), name).toBe(403);
    }
  });

  test.each([
    { "x-forwarded-for": "203.0.113.7" },
    { "x-forwarded-proto": "https" },
    { "X-Forwarded-Host": "accounts.example.com" },
    { "x-real-ip": "203.0.113.7" },
    { forwarded: "for=203.0.113.7" },
    { via: "1.1 proxy" },
  ])("through a proxy of this machine that says so: %j", async (headers) => {
    const { local } = await startWithMail({ TRUSTED_PROXIES: "127.0.0.1" });
    for (const path of PATHS) expect(await statusOf(local + path, headers), path).toBe(403);
  });

  test.runIf(canBeNobody)("through a proxy of another user of this machine that says nothing", async () => {
    const { local, port } = await startWithMail();
    const script =
      `require("net").createServer((from) => from.pipe(require("net").connect(${port}, "127.0.0.1")).pipe(from))` +
      `.listen(0, "127.0.0.1", function () { console.log(this.address().port) })`;
    const proxy = spawn("/usr/bin/env", ["node", "-e", script], { uid: NOBODY, gid: NOBODY, cwd: "/" });
    onTestFinished(() => void proxy.kill());
    const [proxied] = (await once(proxy.stdout, "data")) as [Buffer];
    for (const path of PATHS) {
      const throughProxy = `http://127.0.0.1:${Number(proxied)}${path}`;
      expect(await statusOf(throughProxy, { host: "localhost" }), path).toBe(403);
      expect(await statusOf(local + path), path).toBe(200);
    }
  });

  test.runIf(canBeNobody)("as another user of this machine", async () => {
    const { local, port } = await startWithMail({ HOST: "::" });
    const statusForNobody = async (url: string) => {
      const script = `fetch("${url}").then(({ status }) => console.log(status))`;
      const asNobody = { uid: NOBODY, gid: NOBODY, cwd: "/" };
      return Number((await promisify(execFile)("/usr/bin/env", ["node", "-e", script], asNobody)).stdout);
    };
    for (const url of [local, `http://[::1]:${port}`]) {
      expect(await statusForNobody(`${url}/mailbox/messages`)).toBe(403);
      expect(await statusForNobody(`${url}/livez`), "only the mailbox is closed").toBe(200);
    }
  });

  test.skipIf(networkAddress === undefined)("over a network, whatever name it sends", async () => {
    const { port } = await startWithMail({ HOST: "0.0.0.0" });
    for (const path of PATHS) {
      const url = `http://${networkAddress}:${port}${path}`;
      for (const host of ["localhost", "127.0.0.1", `${networkAddress}:${port}`])
        expect(await statusOf(url, { host }), path).toBe(403);
    }
  });
});

test("nobody else clears the mailbox", async () => {
  const { local } = await startWithMail();
  const cleared = await fetch(`${local}/mailbox/messages`, {
    method: "DELETE",
    headers: { forwarded: "for=203.0.113.7" },
  });
  expect(cleared.status).toBe(403);
  expect(await statusOf(`${local}/mailbox/messages/00000001/source`)).toBe(200);
});
