// TRUSTED_DOCUMENTS: a server that runs the documents of its clients' builds, and no others.
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { Client, fetchExchange, gql as urqlGql } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";
import { afterAll, describe, expect, test } from "vitest";

import { generateClient } from "../support/code-generator.ts";
import { captureLog } from "../support/log.ts";
import { compileByRelay } from "../support/relay-compiler.ts";
import { openServer, sharedServer, startServer, type TestServer } from "../support/server.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

const ME = "query Me { me { id } }";
const RULES = "query Rules { registrationRules { passwordMinLength } }";
const LOGIN =
  "mutation Login($login: String!, $password: String!) { login(username: $login, password: $password) { accessToken } }";

const folder = mkdtempSync(join(tmpdir(), "account-server-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Lists as the clients' builds write them, in files. */
function files(...lists: unknown[]): string {
  const paths = lists.map((list, index) => {
    const path = join(mkdtempSync(join(folder, "lists-")), `${index}.json`);
    writeFileSync(path, typeof list === "string" ? list : JSON.stringify(list));
    return path;
  });
  return paths.join(",");
}

const APOLLO = {
  format: "apollo-persisted-query-manifest",
  version: 1,
  operations: [{ id: sha256(ME), name: "Me", type: "query", body: ME }],
};
/** As Relay and GraphQL Code Generator write it. */
const BY_ID = { "6f1a": RULES, "6f1b": LOGIN, lists: "query A { me { id } } query B { me { email } }" };

/** What a client sends instead of, or beside, a text. */
type Asked = Record<string, unknown>;

const shared = sharedServer({ env: { TRUSTED_DOCUMENTS: files(APOLLO, BY_ID) } });

const sendTo = (server: TestServer, body: unknown) =>
  server.send({
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
const post = (body: unknown) => sendTo(shared(), body);
const get = (parameters: string | Record<string, string>) =>
  shared().send({ method: "GET" }, `/graphql?${new URLSearchParams(parameters).toString()}`);

describe("a document of the list is run", () => {
  test.each([
    ["documentId", { documentId: "6f1a" }],
    ["documentId with the prefix of a hash", { documentId: `sha256:${sha256(RULES)}` }],
    ["doc_id", { doc_id: "6f1a" }],
    ["id", { id: "6f1a", query: "" }],
    ["persistedQuery", { extensions: { persistedQuery: { version: 1, sha256Hash: "6f1a" } } }],
    ["the hash of its text", { extensions: { persistedQuery: { version: 1, sha256Hash: sha256(RULES) } } }],
    ["its text", { query: RULES }],
  ])("by %s", async (_form, { extensions, ...asked }: Asked) => {
    const expected = { registrationRules: { passwordMinLength: 8 } };
    expect((await post({ ...asked, extensions })).data).toEqual(expected);
    const inUrl = { ...asked, ...(extensions !== undefined && { extensions: JSON.stringify(extensions) }) };
    expect((await get(inUrl as Record<string, string>)).data).toEqual(expected);
  });

  test("with its variables", async () => {
    const { errors } = await post({ id: "6f1b", variables: { login: "ada", password: "wrong password" } });
    expect(errors).toMatchObject([{ extensions: { code: "INVALID_CREDENTIALS" } }]);
    const missing = await post({ id: "6f1b", variables: { login: "ada" } });
    expect(missing.errors).toMatchObject([{ extensions: { code: "BAD_USER_INPUT", field: "password" } }]);
  });

  test("with the name of one of its operations", async () => {
    expect((await post({ id: "lists", operationName: "B" })).data).toEqual({ me: null });
    expect((await get({ id: "lists", operationName: "A" })).data).toEqual({ me: null });
    expect((await post({ id: "lists" })).errors).toHaveLength(1);
  });
});

describe("anything else is refused before it is read", () => {
  const listed = { persistedQuery: { version: 1, sha256Hash: sha256(ME) } };
  test.each([
    ["another text", { query: "{ me { id email } }" }],
    ["a text of the list with one space more", { query: `${ME} ` }],
    ["no GraphQL at all", { query: "{" }],
    ["introspection", { query: "{ __schema { queryType { name } } }" }],
    ["an unknown ID", { documentId: "6f1c" }],
    ["a name that every object has", { documentId: "constructor" }],
    ["another text with an ID of the list", { documentId: "6f1a", query: "{ me { email } }" }],
    ["another text with a hash of the list", { query: "{ me { email } }", extensions: listed }],
    [
      "a text to be kept",
      {
        query: "{ me { email } }",
        extensions: { persistedQuery: { version: 1, sha256Hash: sha256("{ me { email } }") } },
      },
    ],
  ])("%s", async (_what, { extensions, ...asked }: Asked) => {
    const refused = {
      status: 400,
      data: undefined,
      errors: [{ extensions: { code: "DOCUMENT_NOT_TRUSTED" } }],
    };
    expect(await post({ ...asked, extensions })).toMatchObject(refused);
    const inUrl = { ...asked, ...(extensions !== undefined && { extensions: JSON.stringify(extensions) }) };
    expect(await get(inUrl as Record<string, string>)).toMatchObject(refused);
  });

  test.each([
    ["a list of operations", [{ query: ME }, { query: "{ me { email } }" }]],
    ["no document", { variables: {} }],
    ["a parsed document", { query: { kind: "Document", definitions: [] } }],
    ["a hash that is none", { extensions: { persistedQuery: { version: 1, sha256Hash: [sha256(ME)] } } }],
  ])("%s", async (_what, body) => {
    const { data, errors } = await post(body);
    expect([data, errors.length]).toEqual([undefined, 1]);
  });

  test("a second text in the URL", async () => {
    const both = `query=${encodeURIComponent(ME)}&query=${encodeURIComponent("{ me { email } }")}`;
    expect((await get(both)).errors).toMatchObject([{ extensions: { code: "DOCUMENT_NOT_TRUSTED" } }]);
  });

  test("GraphiQL, which could run nothing; the schema stays where it was", async () => {
    const headers = { accept: "text/html" };
    const answer = await fetch(`${shared().url}/graphql`, { headers });
    expect(answer.headers.get("content-type")).not.toMatch(/html/);
    expect(await (await fetch(`${shared().url}/schema.graphql`)).text()).toMatch(/^type Query/m);
  });
});

describe("unmodified clients are answered:", () => {
  test("Apollo Client with the IDs of its manifest", async () => {
    const client = new ApolloClient({
      cache: new InMemoryCache(),
      link: ApolloLink.from([
        new PersistedQueryLink({ generateHash: () => sha256(ME) }),
        new HttpLink({ uri: `${shared().url}/graphql` }),
      ]),
    });
    expect((await client.query({ query: gql(ME) })).data).toEqual({ me: null });
  });

  test("urql with the hashes of its documents", async () => {
    const client = new Client({
      url: `${shared().url}/graphql`,
      exchanges: [persistedExchange({ generateHash: () => Promise.resolve("6f1a") }), fetchExchange],
      preferGetMethod: false,
    });
    const query = urqlGql<{ registrationRules: object }>(RULES);
    expect((await client.query(query, {}).toPromise()).data).toMatchObject({
      registrationRules: { passwordMinLength: 8 },
    });
  });

  test("Relay with the list and the IDs of its compiler", async () => {
    const { operation, list } = await compileByRelay([ME, LOGIN], true);
    const server = await startServer({ env: { TRUSTED_DOCUMENTS: list } });
    const { data } = await sendTo(server, { doc_id: operation("Me").params.id, variables: {} });
    expect(data).toEqual({ me: null });
  });

  test("a client whose list GraphQL Code Generator has written", async () => {
    const { documents, list } = await generateClient(shared(), [ME, LOGIN], true);
    const server = await startServer({ env: { TRUSTED_DOCUMENTS: list } });
    const { hash } = (documents["MeDocument"] as { __meta__?: { hash: string } }).__meta__!;
    expect((await sendTo(server, { documentId: hash })).data).toEqual({ me: null });
  });

  test("the client package and the web client, without being listed", async () => {
    const own = JSON.parse(readFileSync("dist/web/documents.json", "utf8")) as Record<string, string>;
    expect(Object.keys(own).length).toBeGreaterThan(30);
    for (const query of Object.values(own)) {
      const codes = (await post({ query })).errors.map(({ extensions }) => extensions.code);
      expect(codes, query).not.toContainEqual(expect.stringMatching(/^(DOCUMENT_NOT_TRUSTED|GRAPHQL_.*)$/));
    }
  });
});

test("what is refused is told in the log, once a minute and at the end", async () => {
  const log = captureLog();
  const env = { TRUSTED_DOCUMENTS: files(APOLLO), LOG_LEVEL: "info" };
  const { server, stop } = await openServer({ env });
  for (let time = 0; time < 3; time += 1) {
    await sendTo(server, { query: "{ me { email } }" });
  }
  await stop();
  await server.dropDatabase();
  const [line] = await log.lines(/refused in the last minute/);
  expect(log.text.slice(log.text.indexOf(line!))).toMatch(/DOCUMENT_NOT_TRUSTED[\s\S]*count: 3/);
});

test("a document that this server would refuse all the same is told when it starts", async () => {
  const log = captureLog();
  const TRUSTED_DOCUMENTS = files({ old: "query Old { users { email } }", broken: "query Broken {" });
  await startServer({ env: { TRUSTED_DOCUMENTS, LOG_LEVEL: "warn" } });
  await log.lines(/TRUSTED_DOCUMENTS lists "query Old", which this server refuses: Cannot query field/);
  await log.lines(/TRUSTED_DOCUMENTS lists "query Broken", which this server refuses: Syntax Error/);
});

describe("the server does not start with", () => {
  test.each([
    ["a list that is no JSON", ["{"], /0\.json, which cannot be used: .*JSON/],
    [
      "a list of another format",
      [["{ me { id } }"]],
      /it is neither a manifest of Apollo nor an object such as/,
    ],
    [
      "a list of another version",
      [{ ...APOLLO, version: 2 }],
      /version 2 of Apollo's manifest is not known, only 1/,
    ],
    ["two documents of one ID", [{ a: ME }, { a: RULES }], /1\.json, .* ID a: "query Me" and "query Rules"/],
  ])("%s", async (_what, lists, message) => {
    const env = { TRUSTED_DOCUMENTS: files(...lists) };
    await expect(startServer({ env })).rejects.toThrow(message);
  });

  test("a list that is not there", async () => {
    const env = { TRUSTED_DOCUMENTS: "/nowhere/documents.json" };
    await expect(startServer({ env })).rejects.toThrow(
      /TRUSTED_DOCUMENTS names \/nowhere\/documents\.json, which cannot be used: ENOENT/,
    );
  });
});
