// What an HTTP message cannot be made to mean: another request, another method, other parameters.
import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";

import { describe, expect, test } from "vitest";

import { expectRefusal } from "../http/refusal.ts";
import { sharedServer, startWithMailbox, type TestServer } from "../support/server.ts";

const ME = "{ me { id } }";
const json = { "content-type": "application/json" };
const post = (body: object): RequestInit => ({ method: "POST", headers: json, body: JSON.stringify(body) });
const REGISTER =
  'mutation { register(username: "ada", email: "ada@example.com", password: "correct horse battery") { message } }';

/** What comes back for bytes that are sent as they are, once the connection has ended. */
async function exchange(server: TestServer, bytes: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => undefined); // the server may hang up while the rest is still being sent
  socket.write(bytes);
  return text(socket);
}

/** Sends a method that fetch does not send. */
async function send(server: TestServer, method: string, path: string, headers: Record<string, string>) {
  const asked = request(server.url + path, { method, headers });
  asked.end();
  const [answer] = (await once(asked, "response")) as [NodeJS.ReadableStream & { statusCode: number }];
  return { status: answer.statusCode, text: await text(answer) };
}

describe("a second request in the body of a first", () => {
  const shared = sharedServer();
  const HIDDEN = "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

  test.each([
    ["a length and chunks", `Content-Length: ${HIDDEN.length + 5}\r\nTransfer-Encoding: chunked`],
    ["chunks and a length", `Transfer-Encoding: chunked\r\nContent-Length: ${HIDDEN.length + 5}`],
    ["two lengths", `Content-Length: 5\r\nContent-Length: ${HIDDEN.length + 5}`],
    ["a list of lengths", `Content-Length: 5, ${HIDDEN.length + 5}`],
    ["a signed length", "Content-Length: +5"],
    ["a length in hexadecimal", "Content-Length: 0x5"],
    ["a coding that is none", "Transfer-Encoding: xchunked"],
    ["chunks that are not the last coding", "Transfer-Encoding: chunked, identity"],
    ["a space before the colon", "Transfer-Encoding : chunked"],
    ["a header in two lines", "Transfer-Encoding:\r\n chunked\r\nContent-Length: 5"],
    ["a line that ends without CR", "Content-Length: 5\nTransfer-Encoding: chunked"],
  ])("is not answered: its length is told by %s", async (_what, framing) => {
    const head = `POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`;
    const answer = await exchange(shared(), `${head}0\r\n\r\n${HIDDEN}`);
    expect(answer.match(/^HTTP\/1\.1 \d+/gm)).toEqual(["HTTP/1.1 400"]);
    expect(answer).not.toContain('"ok"');
  });
});

describe("a method", () => {
  const shared = sharedServer();

  test.each(["/", "/graphql", "/livez"])("TRACE is refused at %s, and echoes nothing", async (path) => {
    const { status, text } = await send(shared(), "TRACE", path, { authorization: "Bearer echoed-secret" });
    expect([404, 405]).toContain(status);
    expect(text).not.toContain("echoed-secret");
  });

  test.each(["x-http-method-override", "x-http-method", "x-method-override"])(
    "stays what it is, whatever %s says",
    async (header) => {
      const server = shared();
      const path = `/graphql?query=${encodeURIComponent(REGISTER)}&_method=POST`;
      expectRefusal(await server.send({ headers: { [header]: "POST" } }, path), 405);
      const overridden = await server.send({
        ...post({ query: ME }),
        headers: { ...json, [header]: "DELETE" },
      });
      expect(overridden).toMatchObject({ status: 200, data: { me: null } });
      expect(await server.query("select 1 from accounts.users")).toEqual([]);
    },
  );
});

describe("a parameter", () => {
  const shared = sharedServer();

  test("of a POST comes from its body alone", async () => {
    const server = shared();
    const path = `/graphql?query=${encodeURIComponent(REGISTER)}&operationName=Other&variables=%7B%7D`;
    expect(await server.send(post({ query: ME }), path)).toMatchObject({ status: 200, data: { me: null } });
    expect(await server.query("select 1 from accounts.users")).toEqual([]);
  });

  test.each(["query", "variables", "operationName"])("%s that is given twice is refused", async (name) => {
    const values: Record<string, string> = { query: ME, variables: "{}", operationName: "A" };
    const once = new URLSearchParams({ query: ME, [name]: values[name]! });
    const path = `/graphql?${once.toString()}&${new URLSearchParams({ [name]: values[name]! }).toString()}`;
    expectRefusal(await shared().send({ headers: { "apollo-require-preflight": "true" } }, path), 400);
  });

  test("access_token is none: a token counts in the Authorization header alone", async () => {
    const server = shared();
    const { accessToken } = await server.activePerson("grace");
    const path = `/graphql?access_token=${accessToken}&token=${accessToken}&authorization=Bearer%20${accessToken}`;
    expect(
      await server.send(
        { ...post({ query: ME }), headers: { ...json, cookie: `token=${accessToken}` } },
        path,
      ),
    ).toMatchObject({ data: { me: null } });
  });
});

test("every answer with a body names its type, and a text its charset", async () => {
  const server = await startWithMailbox();
  const html = await (await fetch(server.url)).text();
  const files = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path!);
  expect(files).not.toEqual([]);
  for (const path of [
    "/",
    "/livez",
    "/readyz",
    "/graphql",
    "/mailbox",
    "/mailbox/messages",
    "/nowhere",
    ...files,
  ]) {
    const answer = await fetch(server.url + path);
    await answer.arrayBuffer();
    expect(answer.headers.get("content-type"), path).toMatch(
      /^(?:text\/(?:html|css)|application\/(?:json|javascript)); charset=utf-8$|^image\/svg\+xml/i,
    );
    expect(answer.headers.get("x-content-type-options"), path).toBe("nosniff");
  }
});

test("nothing is redirected, so a request that was sent in the clear is not repeated unnoticed", async () => {
  const server = await startWithMailbox();
  for (const path of [
    "/",
    "/graphql",
    "/graphql/",
    "//evil.example/",
    "/mailbox/",
    "/assets",
    "/\\evil.example",
  ]) {
    const { status } = await fetch(server.url + path, {
      redirect: "manual",
      headers: { "x-forwarded-proto": "http", "x-forwarded-host": "evil.example" },
    });
    expect(status < 300 || status >= 400, `${path}: ${status}`).toBe(true);
  }
});
