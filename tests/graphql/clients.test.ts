// The whole flow through the clients that browsers use, as their documentation sets them up.
import {
  ApolloClient,
  ApolloLink,
  CombinedGraphQLErrors,
  HttpLink,
  InMemoryCache,
  gql,
} from "@apollo/client";
import { Client, CombinedError, fetchExchange, gql as urqlGql } from "@urql/core";
import { expect, test } from "vitest";

import { PASSWORD, startServer, type TestServer } from "../support/server.ts";

const NEW_PASSWORD = "a new battery staple";
const OPERATIONS = {
  register:
    "mutation Register($username: String!, $email: String!, $password: String!) { register(username: $username, email: $email, password: $password) { message } }",
  finalizeRegistration:
    "mutation Finalize($token: String) { finalizeRegistration(token: $token) { accessToken expiresAt user { id isActive } } }",
  login:
    "mutation Login($username: String!, $password: String!) { login(username: $username, password: $password) { accessToken expiresAt user { id } } }",
  requestReset: "mutation Request($email: String!) { requestReset(email: $email) { message } }",
  finalizeReset:
    "mutation Reset($token: String, $password: String!) { finalizeReset(token: $token, password: $password) { accessToken user { id } } }",
  me: "query Me { me { id username email roles isActive createdAt } }",
};
type Operation = keyof typeof OPERATIONS;

interface Outcome {
  readonly data: Record<string, Record<string, unknown> | null> | undefined;
  /** The codes as the client's own error object gives them. */
  readonly codes: unknown[];
}
type Call = (
  operation: Operation,
  variables?: Record<string, unknown>,
  accessToken?: string,
) => Promise<Outcome>;

function callByUrql(server: TestServer): Call {
  let accessToken: string | undefined;
  const client = new Client({
    url: `${server.url}/graphql`,
    exchanges: [fetchExchange],
    fetchOptions: () => ({
      headers: accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` },
    }),
  });
  return async (operation, variables = {}, token) => {
    accessToken = token;
    const document = urqlGql(OPERATIONS[operation]);
    const outcome = await (operation === "me"
      ? client.query(document, variables).toPromise()
      : client.mutation(document, variables).toPromise());
    const { error } = outcome;
    if (error) expect(error).toBeInstanceOf(CombinedError);
    expect(error?.networkError).toBeUndefined();
    return {
      data: outcome.data as Outcome["data"],
      codes: error?.graphQLErrors.map(({ extensions }) => extensions["code"]) ?? [],
    };
  };
}

function callByApollo(server: TestServer): Call {
  let accessToken: string | undefined;
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.from([
      new ApolloLink((operation, forward) => {
        if (accessToken !== undefined)
          operation.setContext({ headers: { authorization: `Bearer ${accessToken}` } });
        return forward(operation);
      }),
      new HttpLink({ uri: `${server.url}/graphql` }),
    ]),
  });
  return async (operation, variables = {}, token) => {
    accessToken = token;
    const document = gql(OPERATIONS[operation]);
    try {
      const { data } = await (operation === "me"
        ? client.query({ query: document, variables, fetchPolicy: "network-only" })
        : client.mutate({ mutation: document, variables }));
      return { data: data as Outcome["data"], codes: [] };
    } catch (error) {
      if (!CombinedGraphQLErrors.is(error)) throw error;
      return { data: undefined, codes: error.errors.map(({ extensions }) => extensions?.["code"]) };
    }
  };
}

test.each([
  ["@urql/core", callByUrql],
  ["@apollo/client", callByApollo],
])("%s goes through the whole flow and reads the code of a refusal", async (_client, callBy) => {
  const server = await startServer();
  const call = callBy(server);
  const succeed = async (...args: Parameters<Call>) => {
    const { data, codes } = await call(...args);
    expect(codes).toEqual([]);
    return data![args[0]]!;
  };
  const email = "ada@example.com";

  expect(await call("me")).toMatchObject({ data: { me: null }, codes: [] });
  await succeed("register", { username: "ada", email, password: PASSWORD });
  expect((await call("login", { username: "ada", password: PASSWORD })).codes).toEqual([
    "ACCOUNT_NOT_ACTIVATED",
  ]);

  const confirmed = await succeed("finalizeRegistration", { token: await server.confirmationToken(email) });
  const me = await succeed("me", {}, confirmed["accessToken"] as string);
  expect(me).toMatchObject({ username: "ada", email, roles: ["USER"], isActive: true });

  const signedIn = await succeed("login", { username: "ada", password: PASSWORD });
  expect(new Date(signedIn["expiresAt"] as string).getTime()).toBeGreaterThan(Date.now());

  await succeed("requestReset", { email });
  const reset = await succeed("finalizeReset", {
    token: await server.resetToken(email),
    password: NEW_PASSWORD,
  });
  expect((await succeed("me", {}, reset["accessToken"] as string))["id"]).toBe(me["id"]);
  expect((await call("me", {}, signedIn["accessToken"] as string)).codes).toEqual(["UNAUTHENTICATED"]);
  expect((await call("login", { username: "ada", password: PASSWORD })).codes).toEqual([
    "INVALID_CREDENTIALS",
  ]);
  await succeed("login", { username: email, password: NEW_PASSWORD });
});
