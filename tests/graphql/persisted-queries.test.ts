// Automatic persisted queries: a client sends the hash of a document, and its text only once. Nothing gets past the limits by it.
import { createHash } from "node:crypto";

import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { Client, fetchExchange, gql as urqlGql } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";
import { describe, expect, test } from "vitest";

import { sharedServer } from "../support/server.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const shared = sharedServer();

/** Asks for a document by its hash, and with its text if there is one. */
function ask(hash: string, query?: string) {
  const extensions = { persistedQuery: { version: 1, sha256Hash: hash } };
  const body = JSON.stringify({ ...(query !== undefined && { query }), extensions });
  return shared().send({ method: "POST", headers: { "content-type": "application/json" }, body });
}

/** A `fetch` that remembers what was sent: whether with the text, by which method. */
function recorder() {
  const sent: string[] = [];
  const recording: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const isText =
      new URL(request.url).searchParams.has("query") || (await request.clone().text()).includes('"query":');
    sent.push(`${request.method} ${isText ? "text" : "hash"}`);
    return fetch(request);
  };
  return { sent, recording };
}

test("a hash is answered once its text has come with it", async () => {
  const query = "{ me { username } }";
  const unknown = await ask(sha256(query));
  expect(unknown.errors).toMatchObject([
    { message: "PersistedQueryNotFound", extensions: { code: "PERSISTED_QUERY_NOT_FOUND" } },
  ]);
  expect((await ask(sha256(query), query)).data).toEqual({ me: null });
  expect((await ask(sha256(query))).data).toEqual({ me: null });
});

test("a hash that is not that of the text is refused", async () => {
  const query = "{ me { email } }";
  expect(await ask(sha256("{ me { id } }"), query)).toMatchObject({
    status: 400,
    errors: [{ extensions: { code: "BAD_REQUEST" } }],
  });
  expect((await ask(sha256("{ me { id } }"))).errors).toMatchObject([{ message: "PersistedQueryNotFound" }]);
});

test.each([
  ["it has too many tokens", `{ ${"__typename ".repeat(1_000)} }`],
  [
    "it asks for too much",
    `{ ${Array.from({ length: 51 }, (_, index) => `a${index}: me { id }`).join(" ")} }`,
  ],
  ["it is not valid", "{ nobody }"],
])("a document is not kept if %s", async (_why, query) => {
  expect((await ask(sha256(query), query)).status).toBe(400);
  expect((await ask(sha256(query))).errors).toMatchObject([{ message: "PersistedQueryNotFound" }]);
});

describe("unmodified clients send the text once, then the hash:", () => {
  test("Apollo Client", async () => {
    const { sent, recording } = recorder();
    const client = new ApolloClient({
      cache: new InMemoryCache(),
      link: ApolloLink.from([
        new PersistedQueryLink({ sha256 }),
        new HttpLink({ uri: `${shared().url}/graphql`, fetch: recording }),
      ]),
    });
    const query = gql("query ByApollo { me { id } }");
    for (let time = 0; time < 2; time += 1) {
      const { data } = await client.query({ query, fetchPolicy: "network-only" });
      expect(data).toEqual({ me: null });
    }
    expect(sent).toEqual(["POST hash", "POST text", "POST hash"]);
  });

  test("urql", async () => {
    const { sent, recording } = recorder();
    const client = new Client({
      url: `${shared().url}/graphql`,
      exchanges: [persistedExchange({ enforcePersistedQueries: false }), fetchExchange],
      fetch: recording,
      preferGetMethod: false,
    });
    const query = urqlGql<{ me: null }>("query ByUrql { me { id } }");
    for (let time = 0; time < 2; time += 1) {
      const { data, error } = await client.query(query, {}).toPromise();
      expect(error).toBeUndefined();
      expect(data).toEqual({ me: null });
    }
    expect(sent).toEqual(["GET hash", "GET text", "GET hash"]);
  });
});
