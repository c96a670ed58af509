// `node`: whatever Relay loads again by its ID alone, for whoever may see it.
import { describe, expect, test } from "vitest";

import { compileByRelay } from "../support/relay-compiler.ts";
import { startServer, type TestServer } from "../support/server.ts";

const NODE =
  "query Node($id: ID!) { node(id: $id) { __typename id ... on User { email } ... on Session { current } } }";

function find(server: TestServer, accessToken: string, id: string) {
  return server.as(accessToken).send({
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: NODE, variables: { id } }),
  });
}

async function sessionOf(server: TestServer, accessToken: string): Promise<string> {
  const [session] = server.succeed(await server.as(accessToken).sessions());
  return session!.id;
}

describe("node finds", () => {
  test("the current user, and their sessions", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const session = await sessionOf(server, ada.accessToken);
    expect((await find(server, ada.accessToken, ada.id)).data).toEqual({
      node: { __typename: "User", id: ada.id, email: "ada@example.com" },
    });
    expect((await find(server, ada.accessToken, session)).data).toEqual({
      node: { __typename: "Session", id: session, current: true },
    });
  });

  test("any user for an administrator, but nobody else's sessions", async () => {
    const server = await startServer();
    const root = await server.admin();
    const ada = await server.activePerson("ada");
    expect((await find(server, root.accessToken, ada.id)).data).toEqual({
      node: { __typename: "User", id: ada.id, email: "ada@example.com" },
    });
    const session = await sessionOf(server, ada.accessToken);
    expect(await find(server, root.accessToken, session)).toMatchObject({ data: { node: null }, errors: [] });
  });

  test("nothing that a user may not see, and nothing that is not there, in the same way", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const grace = await server.activePerson("grace");
    const others = [grace.id, await sessionOf(server, grace.accessToken)];
    for (const id of [...others, "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", "no UUID", ""])
      expect(await find(server, ada.accessToken, id)).toMatchObject({ data: { node: null }, errors: [] });
  });

  test("nothing for somebody who is not logged in", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    server.refuse(await server.node({ id: ada.id }), "UNAUTHENTICATED");
  });

  test("no session that has ended", async () => {
    const server = await startServer();
    const ada = await server.activePerson("ada");
    const id = await sessionOf(server, ada.accessToken);
    const { accessToken } = server.succeed(await server.login(ada));
    server.succeed(await server.as(ada.accessToken).logout());
    expect((await find(server, accessToken, id)).data).toEqual({ node: null });
  });
});

test("Relay's compiler takes connections, and fragments that are loaded again by ID", async () => {
  const { operation } = await compileByRelay([
    `query Users($first: Int!, $after: String) {
       users(first: $first, after: $after) @connection(key: "Users_users") { edges { node { ...Flow_user } } }
     }`,
    'fragment Flow_user on User @refetchable(queryName: "FlowUserRefetchQuery") { username }',
  ]);
  expect(operation("Users").params.text).toMatch(/pageInfo/);
});
