// Faulty requests: which status each gets, in one shape, with nothing of what was sent.
import { once } from "node:events";
import { connect } from "node:net";

import { describe, expect, test } from "vitest";

import { sharedServer, type TestServer } from "../support/server.ts";
import { expectNothingInside, expectRefusal } from "./refusal.ts";

const KIB = 1024;
const SECRET = "hunter2hunter2";
const ME = "{ me { id } }";
const json = { "content-type": "application/json" };

const post = (body: unknown, headers: Record<string, string> = json): RequestInit => ({
  method: "POST",
  headers,
  body: JSON.stringify(body),
});
const bytes = (text: string) => new TextEncoder().encode(text);

// No request here changes anything, so one server serves them all.
const shared = sharedServer();

describe("a request that is not for /graphql", () => {
  test.each([
    ["GET", "/nothing"],
    ["POST", "/nothing"],
    ["GET", "/graphql/"],
    ["GET", "/graphql/schema"],
    ["DELETE", "/"],
    ["POST", "/livez"],
    ["GET", "/../package.json"],
    ["GET", "/.env"],
  ])("%s %s answers 404 in the shape of every error", async (method, path) => {
    const server = shared();
    expectRefusal(await server.send({ method }, path), 404, /^NOT_FOUND$/);
  });

  test.each(["/%zz", "/%", "/graphql%c3%28", "/%E0%A4%A"])(
    "%s, which cannot be decoded, answers 400 and is not echoed",
    async (path) => {
      const server = shared();
      const answer = await server.send({}, `${path}?password=${SECRET}`);
      expectRefusal(answer, 400);
      expect(answer.text).not.toContain(SECRET);
    },
  );

  test("what a request to nowhere carries in its query is not echoed", async () => {
    const server = shared();
    const answer = await server.send(post({}), `/nothing?password=${SECRET}`);
    expectRefusal(answer, 404);
    expect(answer.text).not.toContain(SECRET);
  });
});

describe("a method that /graphql does not know", () => {
  test.each(["PUT", "PATCH", "DELETE", "OPTIONS"])(
    "%s answers 405 and names those it knows",
    async (method) => {
      const server = shared();
      const answer = await server.send({ method });
      expectRefusal(answer, 405, /^METHOD_NOT_ALLOWED$/);
      expect(answer.headers.get("allow")).toBe("GET, POST");
    },
  );

  test("PUT answers 405 whatever its body is", async () => {
    const server = shared();
    const headers = { "content-type": "text/plain" };
    expectRefusal(await server.send({ method: "PUT", headers, body: "no json" }), 405);
  });

  test("a mutation by GET answers 405 and is not run", async () => {
    const server = shared();
    const mutation = `mutation { register(username: "ada", email: "ada@example.com", password: "${SECRET}") { message } }`;
    const answer = await server.send(
      { headers: { "apollo-require-preflight": "true" } },
      `/graphql?query=${encodeURIComponent(mutation)}`,
    );
    expectRefusal(answer, 405);
    expect(answer.headers.get("allow")).toBe("POST");
    expect(answer.text).not.toContain(SECRET);
    expect(await server.query("select 1 from accounts.users")).toEqual([]);
  });
});

describe("a body", () => {
  const ofSize = (size: number) => {
    const empty = JSON.stringify({ query: ME, extensions: { padding: "" } }).length;
    return bytes(JSON.stringify({ query: ME, extensions: { padding: "x".repeat(size - empty) } }));
  };

  test("of exactly 16 KiB is served", async () => {
    const server = shared();
    const body = ofSize(16 * KIB);
    expect(body).toHaveLength(16_384);
    expect((await server.send({ method: "POST", headers: json, body })).status).toBe(200);
  });

  test("of one byte more answers 413", async () => {
    const server = shared();
    const answer = await server.send({ method: "POST", headers: json, body: ofSize(16 * KIB + 1) });
    expectRefusal(answer, 413, /^PAYLOAD_TOO_LARGE$/);
  });

  test("that grows too large without having said its length answers 413", async () => {
    const server = shared();
    const body = new Blob([ofSize(16 * KIB + 1)]).stream();
    const init: RequestInit & { duplex: "half" } = { method: "POST", headers: json, body, duplex: "half" };
    expectRefusal(await server.send(init), 413);
  });

  test.each([
    ["text/plain", { "content-type": "text/plain" }],
    ["application/x-www-form-urlencoded", { "content-type": "application/x-www-form-urlencoded" }],
    ["multipart/form-data", { "content-type": "multipart/form-data; boundary=x" }],
    ["application/graphql", { "content-type": "application/graphql" }],
    ["application/jsonp", { "content-type": "application/jsonp" }],
    ["no content type", {}],
    ["a content type that is none", { "content-type": "json" }],
    ["charset=utf-16", { "content-type": "application/json; charset=utf-16" }],
    ["charset=latin1", { "content-type": "application/json; charset=latin1" }],
    ['charset="iso-8859-1"', { "content-type": 'application/json; charset="iso-8859-1"' }],
    ["charset=utf-7", { "content-type": "application/json;CHARSET=utf-7" }],
    ["Content-Encoding: gzip", { ...json, "content-encoding": "gzip" }],
    ["Content-Encoding: br", { ...json, "content-encoding": "br" }],
  ] satisfies [string, Record<string, string>][])("sent as %s answers 415", async (_what, headers) => {
    const server = shared();
    const answer = await server.send({ method: "POST", headers, body: bytes(JSON.stringify({ query: ME })) });
    expectRefusal(answer, 415, /^UNSUPPORTED_MEDIA_TYPE$/);
  });

  test.each([
    "application/json",
    "application/json; charset=utf-8",
    "application/json; charset=UTF-8",
    'application/json; charset="utf-8"',
    "application/json;charset=Utf8",
    "APPLICATION/JSON; Charset=utf-8",
  ])("sent as %s is served", async (type) => {
    const server = shared();
    const body = bytes(JSON.stringify({ query: ME }));
    const answer = await server.send({ method: "POST", headers: { "content-type": type }, body });
    expect(answer).toMatchObject({ status: 200, data: { me: null } });
  });

  test.each<[string, BodyInit]>([
    ["malformed JSON", `{"query": ${SECRET}}`],
    ["JSON that ends too early", `{"query": "${SECRET}`],
    ["nothing", ""],
    ["white space", " "],
    ["invalid UTF-8", Buffer.concat([bytes(`{"query":"${SECRET}`), Buffer.from([0xc3, 0x28]), bytes('"}')])],
    ["a lone byte of UTF-16", Buffer.from([0xff, 0xfe, 0x7b, 0x00])],
    ["null", "null"],
    ["a number", "20202020"],
    ["a string", `"${SECRET}"`],
    ["true", "true"],
    ["an empty object", "{}"],
    ["an empty array", "[]"],
    ["an array of operations", JSON.stringify([{ query: ME }, { query: ME }])],
    ["a __proto__ key", `{"query": "${ME}", "__proto__": {"admin": true}}`],
    ["a __proto__ key in the variables", `{"query": "${ME}", "variables": {"__proto__": {"admin": true}}}`],
    ["a constructor.prototype key", `{"query": "${ME}", "constructor": {"prototype": {"admin": true}}}`],
    ["no query", JSON.stringify({ variables: { password: SECRET } })],
    ["a query that is null", JSON.stringify({ query: null })],
    ["a query that is empty", JSON.stringify({ query: "" })],
    ["a query that is an object", JSON.stringify({ query: { me: SECRET } })],
    ["a query that is a list", JSON.stringify({ query: [ME] })],
    [
      "variables that are text",
      JSON.stringify({ query: ME, variables: JSON.stringify({ password: SECRET }) }),
    ],
    ["variables that are a list", JSON.stringify({ query: ME, variables: [SECRET] })],
    ["extensions that are text", JSON.stringify({ query: ME, extensions: SECRET })],
    ["an operation name that is a list", JSON.stringify({ query: ME, operationName: [SECRET] })],
    ["an unknown operation name", JSON.stringify({ query: `query A ${ME}`, operationName: "B" })],
    ["two operations and no name", JSON.stringify({ query: `query A ${ME} query B ${ME}` })],
    ["a fragment and no operation", JSON.stringify({ query: "fragment A on Query { me { id } }" })],
  ])("that is or has %s answers 400 and is not echoed", async (_what, body) => {
    const server = shared();
    const answer = await server.send({ method: "POST", headers: json, body });
    expectRefusal(answer, 400);
    expect(answer.text).not.toContain(SECRET);
    expect(answer.text).not.toContain("20202020");
  });

  test("a POST without any body answers 400", async () => {
    const server = shared();
    expectRefusal(await server.send({ method: "POST" }), 400);
  });
});

describe("a value of the wrong type", () => {
  const LOGIN =
    "mutation ($username: String!, $password: String!) { login(username: $username, password: $password) { accessToken } }";

  test.each<[string, Record<string, unknown>]>([
    ["a password in a list", { username: "ada", password: [SECRET] }],
    ["a password that is a number", { username: "ada", password: 20202020 }],
    ["a password that is an object", { username: "ada", password: { [SECRET]: SECRET } }],
    ["a username that is an object", { username: { name: SECRET }, password: "20202020" }],
    ["a null beside a password", { username: null, password: SECRET }],
    ["a missing argument beside a password", { password: SECRET }],
  ])("%s among the variables answers 400 and no value is echoed", async (_what, variables) => {
    const server = shared();
    const answer = await server.execute(LOGIN, variables);
    expectRefusal(answer, 400);
    expect(answer.text).not.toContain(SECRET);
    expect(answer.text).not.toContain("20202020");
  });

  test("however often it occurs among the variables, is a fault of the request and none of the server", async () => {
    const query = "mutation ($roles: [Role!]!) { setUserRoles(id: 1, roles: $roles) { id } }";
    const answer = await shared().execute(query, { roles: new Array<string>(60).fill(SECRET) });
    expectRefusal(answer, 400, /^BAD_USER_INPUT$/);
    expect(answer.text).not.toContain(SECRET);
  });

  test.each([
    ["a number", "20202020"],
    ["a fraction", "20202020.5"],
    ["a list", `["${SECRET}"]`],
    ["an object", `{ ${SECRET}: "${SECRET}" }`],
    ["a word without quotation marks", SECRET],
  ])("%s as a literal answers 400 and is not echoed", async (_what, literal) => {
    const server = shared();
    const answer = await server.execute(
      `mutation { login(username: "ada", password: ${literal}) { accessToken } }`,
    );
    expectRefusal(answer, 400, /^GRAPHQL_VALIDATION_FAILED$/);
    expect(answer.text).not.toContain(SECRET);
    expect(answer.text).not.toContain("20202020");
  });
});

describe("a syntax error", () => {
  test.each([
    [
      "a forgotten opening quotation mark",
      `login(username: "a", password: ${SECRET} secret") { accessToken }`,
    ],
    ["a forgotten closing quotation mark", `login(username: "a", password: "${SECRET}) { accessToken }`],
    ["both forgotten", `login(username: "a", password: correct ${SECRET}) { accessToken }`],
    ["one forgotten before", `login(username: "a, password: "${SECRET}") { accessToken }`],
    ["one forgotten elsewhere", `login(username: a", password: "${SECRET}") { accessToken }`],
    ["single quotation marks", `login(username: "a", password: '${SECRET}') { accessToken }`],
    ["a backslash", `login(username: "a", password: "\\h${SECRET}") { accessToken }`],
    ["a number first", `login(username: "a", password: 2${SECRET}) { accessToken }`],
    ["an unknown character", `login(username: "a", password: ü${SECRET}) { accessToken }`],
    ["a colon forgotten", `login(username: "a", password "${SECRET}") { accessToken }`],
  ])("with %s answers 400 and quotes nothing of the text", async (_what, operation) => {
    const server = shared();
    const answer = await server.execute(`mutation { ${operation} }`);
    expectRefusal(answer, 400, /^GRAPHQL_PARSE_FAILED$/);
    expect(answer.text).not.toContain(SECRET);
    // Not even the one character at which it stopped.
    expect(answer.errors[0]?.message).not.toMatch(/got: "|found .*"|: "/);
  });
});

describe("an operation that was executed", () => {
  test("answers 200 though it was refused, with data beside the errors", async () => {
    const server = shared();
    const answer = await server.with({ authorization: "Bearer nonsense" }).execute("{ me { id } }");
    expect(answer.status).toBe(200);
    expect(answer.data).toEqual({ me: null });
    expect(answer.errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [["me"], "UNAUTHENTICATED"],
    ]);
    expectNothingInside(answer.text);
  });

  test("answers 200 by GET too, once the request shows that it is no other site's", async () => {
    const server = shared();
    const headers = { "apollo-require-preflight": "true" };
    const answer = await server.send({ headers }, `/graphql?query=${encodeURIComponent(ME)}`);
    expect(answer).toMatchObject({ status: 200, data: { me: null } });
  });

  test("is told to no cache", async () => {
    const server = shared();
    expect((await server.execute(ME)).headers.get("cache-control")).toBe("no-store");
  });
});

/** Sends bytes as they are and reads to the end of the connection. */
async function sendBytes(server: TestServer, text: string) {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.on("error", () => undefined); // the server may hang up while the rest is still being sent
  socket.write(text);
  await once(socket, "close");
  const [head = "", body = ""] = Buffer.concat(chunks).toString().split("\r\n\r\n");
  const contentType = /^content-type: *(.*)$/im.exec(head)?.[1];
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]), contentType, body };
}

describe("bytes that are no good HTTP", () => {
  const request = (...lines: string[]) => [...lines, "", ""].join("\r\n");
  const query = JSON.stringify({ query: ME });
  const jsonHeaders = ["Content-Type: application/json", `Content-Length: ${query.length}`];

  test.each<readonly [string, number, string]>([
    ["garbage", 400, `${SECRET} what is this\r\n\r\n`],
    ["a TLS handshake", 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ["HTTP/2", 400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["an unknown version of HTTP", 400, request("GET / HTTP/9.9", "Host: a", "Connection: close")],
    ["a broken header", 400, request("GET /livez HTTP/1.1", "Host: a", "Bro ken: x")],
    [
      "two lengths",
      400,
      request("POST /graphql HTTP/1.1", "Host: a", "Content-Length: 1", "Content-Length: 2"),
    ],
    [
      "a length and chunks",
      400,
      request("POST /graphql HTTP/1.1", "Host: a", "Content-Length: 4", "Transfer-Encoding: chunked"),
    ],
    ["headers without end", 431, request("GET /livez HTTP/1.1", "Host: a", `X: ${"x".repeat(20 * KIB)}`)],
    ["no Host header", 400, request("POST /graphql HTTP/1.1", "Connection: close")],
    ["no Host header in HTTP/1.0", 400, request("POST /graphql HTTP/1.0", ...jsonHeaders) + query],
    ...["", "a b", "[", "::1", "a%zz", "a:b"].map(
      (host) =>
        [
          `the Host header "${host}"`,
          400,
          request("POST /graphql HTTP/1.1", `Host: ${host}`, "Connection: close", ...jsonHeaders) + query,
        ] as const,
    ),
    [
      "an expectation nobody can meet",
      417,
      request(
        "POST /graphql HTTP/1.1",
        "Host: a",
        "Connection: close",
        "Content-Type: application/json",
        "Expect: a-miracle",
        `Content-Length: ${query.length}`,
      ) + query,
    ],
  ])("%s: %i in the shape of every error, and the connection ends", async (_what, status, text) => {
    const server = shared();
    const answer = await sendBytes(server, text);
    expect(answer.status).toBe(status);
    expect(answer.contentType).toMatch(/^application\/json; charset=utf-8$/i);
    expect(JSON.parse(answer.body)).toEqual({
      errors: [
        {
          message: expect.any(String) as unknown,
          extensions: { code: expect.stringMatching(/^[A-Z_]+$/) as unknown },
        },
      ],
    });
    expect(answer.body).not.toContain(SECRET);
    expectNothingInside(answer.body);
  });

  test("leave the server in good health", async () => {
    const server = shared();
    await sendBytes(server, "garbage\r\n\r\n");
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
  });
});

describe("an operation that cannot be", () => {
  test("a subscription is refused with 400", async () => {
    const server = shared();
    expectRefusal(
      await server.send(post({ query: "subscription { me { id } }" })),
      400,
      /^GRAPHQL_VALIDATION_FAILED$/,
    );
  });

  test.each([" ", ".", "x"])("an operation name of 15,000 times '%s' is not repeated", async (char) => {
    const server = shared();
    const answer = await server.send(post({ query: ME, operationName: char.repeat(15_000) }));
    expectRefusal(answer, 400);
    expect(answer.text.length).toBeLessThan(300);
  });

  test("a variable of the wrong type names its field, as every BAD_USER_INPUT does", async () => {
    const server = shared();
    const query =
      'mutation ($password: String!) { login(username: "ada", password: $password) { expiresAt } }';
    for (const variables of [{ password: [SECRET] }, {}]) {
      const answer = await server.send(post({ query, variables }));
      expectRefusal(answer, 400, /^BAD_USER_INPUT$/);
      expect(answer.errors[0]!.extensions.fields).toEqual([
        { field: "password", message: answer.errors[0]!.message },
      ]);
      expect(answer.text).not.toContain(SECRET);
    }
  });
});
