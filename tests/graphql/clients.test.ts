// The whole flow through the clients that front ends use, as their documentation sets them up.
import { createHash } from "node:crypto";

import {
  ApolloClient,
  ApolloLink,
  CombinedGraphQLErrors,
  HttpLink,
  InMemoryCache,
  gql,
} from "@apollo/client";
import { SetContextLink } from "@apollo/client/link/context";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import type { ExecutionResult, Executor } from "@graphql-tools/utils";
import { schemaFromExecutor, wrapSchema } from "@graphql-tools/wrap";
import { Client, CombinedError, fetchExchange, gql as urqlGql } from "@urql/core";
import { authExchange } from "@urql/exchange-auth";
import { persistedExchange } from "@urql/exchange-persisted";
import { graphql, print } from "graphql";
import { ClientError, GraphQLClient } from "graphql-request";
import {
  commitMutation,
  Environment,
  fetchQuery,
  Network,
  RecordSource,
  Store,
  type GraphQLSingularResponse,
} from "relay-runtime";
import { expect, test } from "vitest";

import { generateClient } from "../support/code-generator.ts";
import { compileByRelay } from "../support/relay-compiler.ts";
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

const bearer = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };

function callByUrql(server: TestServer): Call {
  let accessToken: string | undefined;
  const client = new Client({
    url: `${server.url}/graphql`,
    exchanges: [
      authExchange((utils) =>
        Promise.resolve({
          addAuthToOperation: (operation) => utils.appendHeaders(operation, bearer(accessToken)),
          didAuthError: ({ graphQLErrors }) =>
            graphQLErrors.some(({ extensions }) => extensions["code"] === "UNAUTHENTICATED"),
          refreshAuth: () => Promise.resolve(), // the flow says who asks
        }),
      ),
      persistedExchange({ enforcePersistedQueries: false }),
      fetchExchange,
    ],
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
    clientAwareness: { name: "web", version: "1.2.3" },
    link: ApolloLink.from([
      new SetContextLink(() => ({ headers: bearer(accessToken) })),
      new PersistedQueryLink({ sha256: (text: string) => createHash("sha256").update(text).digest("hex") }),
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

function callByGraphqlRequest(server: TestServer): Call {
  const client = new GraphQLClient(`${server.url}/graphql`);
  return async (operation, variables = {}, token) => {
    try {
      const data = await client.request<Outcome["data"]>(OPERATIONS[operation], variables, bearer(token));
      return { data, codes: [] };
    } catch (error) {
      return { data: undefined, codes: codesOf(error) };
    }
  };
}

/** The codes of an error of graphql-request. */
function codesOf(error: unknown): unknown[] {
  if (!(error instanceof ClientError)) throw error;
  return error.response.errors?.map(({ extensions }) => extensions["code"]) ?? [];
}

/** With documents and types that are generated from the schema that the server gives. */
async function callByCodegen(server: TestServer): Promise<Call> {
  const { documents, faults } = await generateClient(server, Object.values(OPERATIONS));
  expect(faults).toEqual([]);
  const client = new GraphQLClient(`${server.url}/graphql`);
  return async (operation, variables = {}, token) => {
    const [, name] = /\w+ (\w+)/.exec(OPERATIONS[operation])!;
    try {
      const data = await client.request<Outcome["data"]>(
        documents[`${name}Document`]!,
        variables,
        bearer(token),
      );
      return { data, codes: [] };
    } catch (error) {
      return { data: undefined, codes: codesOf(error) };
    }
  };
}

/** A gateway's schema, made from the server's by introspection, which passes operations and headers on. */
async function callByWrap(server: TestServer): Promise<Call> {
  const executor: Executor<{ accessToken?: string }> = async ({ document, variables, context }) => {
    const answer = await fetch(`${server.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", ...bearer(context?.accessToken) },
      body: JSON.stringify({ query: print(document), variables }),
    });
    return (await answer.json()) as ExecutionResult;
  };
  const schema = wrapSchema({ schema: await schemaFromExecutor(executor), executor });
  return async (operation, variables = {}, accessToken) => {
    const source = OPERATIONS[operation];
    const result = await graphql({
      schema,
      source,
      variableValues: variables,
      contextValue: { accessToken },
    });
    const codes = result.errors?.map(({ extensions }) => extensions["code"]) ?? [];
    return { data: result.data as Outcome["data"], codes };
  };
}

/** With artifacts of its compiler. It drops the errors of a field that is null, so its network layer has to look at them. */
async function callByRelay(server: TestServer): Promise<Call> {
  const artifacts = await compileByRelay(Object.values(OPERATIONS));
  let accessToken: string | undefined;
  let codes: unknown[] = [];
  const environment = new Environment({
    store: new Store(new RecordSource()),
    network: Network.create(async ({ text }, variables) => {
      const answer = await fetch(`${server.url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", ...bearer(accessToken) },
        body: JSON.stringify({ query: text, variables }),
      });
      const result = (await answer.json()) as GraphQLSingularResponse & ExecutionResult;
      codes = result.errors?.map(({ extensions }) => extensions["code"]) ?? [];
      return result;
    }),
  });
  return async (operation, variables = {}, token) => {
    accessToken = token;
    const request = artifacts.operation(/\w+ (\w+)/.exec(OPERATIONS[operation])![1]!);
    const data = await new Promise<unknown>((resolve, reject) => {
      if (operation === "me") {
        fetchQuery(environment, request, variables, { fetchPolicy: "network-only" }).subscribe({
          next: resolve,
          error: reject,
        });
      } else
        commitMutation(environment, { mutation: request, variables, onCompleted: resolve, onError: reject });
    });
    return { data: data as Outcome["data"], codes };
  };
}

test.each([
  ["@urql/core", callByUrql],
  ["@apollo/client", callByApollo],
  ["graphql-request", callByGraphqlRequest],
  ["GraphQL Code Generator, whose types are strict about scalars,", callByCodegen],
  ["@graphql-tools/wrap", callByWrap],
  ["Relay", callByRelay],
])("%s goes through the whole flow and reads the code of a refusal", async (_client, callBy) => {
  const server = await startServer();
  const call = await callBy(server);
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
