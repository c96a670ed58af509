// The client package with urql and Apollo Client: the whole flow, with one client from the visit to the logout.
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, gql, InMemoryCache } from "@apollo/client";
import { RetryLink } from "@apollo/client/link/retry";
import { Client, fetchExchange, gql as urqlGql } from "@urql/core";
import { authExchange } from "@urql/exchange-auth";
import { describe, expect, test } from "vitest";

import { sessionLink } from "../../client/apollo.ts";
import {
  createSession,
  SessionUserChangedError,
  type AuthPayload,
  type Session,
} from "../../client/session.ts";
import { sessionExchange } from "../../client/urql.ts";
import { Relay } from "../support/relay.ts";
import { MINUTE, PASSWORD, startServer } from "../support/server.ts";

const NEW_PASSWORD = "a new battery staple";
const AUTH = "{ accessToken expiresAt refreshToken user { id username } }";

type Data = Record<string, unknown>;
interface Repeating {
  /** Runs before a request that met no server is repeated. */
  readonly beforeRepetition: () => Promise<void>;
}
/** Sends an operation, and rejects with the client's own error. */
type Send = (document: string, variables?: Record<string, unknown>) => Promise<Data>;

function sendByUrql(session: Session, repeating?: Repeating): Send {
  const client = new Client({
    url: session.url,
    preferGetMethod: false,
    exchanges: [
      sessionExchange(session),
      authExchange(() =>
        Promise.resolve({
          addAuthToOperation: (operation) => operation,
          didAuthError: ({ networkError }) => repeating !== undefined && networkError !== undefined,
          refreshAuth: () => repeating!.beforeRepetition(),
        }),
      ),
      fetchExchange,
    ],
  });
  return async (document, variables = {}) => {
    const { data, error } = await (
      document.startsWith("mutation")
        ? client.mutation<Data>(urqlGql(document), variables)
        : client.query<Data>(urqlGql(document), variables, { requestPolicy: "network-only" })
    ).toPromise();
    if (error) throw error.networkError ?? error;
    return data!;
  };
}

function sendByApollo(session: Session, repeating?: Repeating): Send {
  const repeat = new RetryLink({
    delay: { initial: 0 },
    attempts: async (count) => {
      if (!repeating || count > 1) return false;
      await repeating.beforeRepetition();
      return true;
    },
  });
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.from([repeat, sessionLink(session)]),
  });
  return async (document, variables = {}) => {
    const { data } = await (document.startsWith("mutation")
      ? client.mutate({ mutation: gql(document), variables })
      : client.query({ query: gql(document), variables, fetchPolicy: "network-only" }));
    return data as Data;
  };
}

const payloadOf = (data: Data) => Object.values(data)[0] as AuthPayload;
/** Each client has its own class for the server's errors. */
const codesOf = (error: unknown) =>
  CombinedGraphQLErrors.is(error)
    ? error.errors.map(({ extensions }) => extensions?.["code"])
    : (error as { graphQLErrors: { extensions: Data }[] }).graphQLErrors.map(
        ({ extensions }) => extensions["code"],
      );

describe.each([
  ["urql", sendByUrql],
  ["Apollo Client", sendByApollo],
])("with %s,", (_, sendBy) => {
  test("a session goes through the whole flow", async () => {
    const server = await startServer();
    const relay = await Relay.start(server);
    const session = createSession({ url: relay.endpoint });
    const send = sendBy(session);
    const me = () => send("query Me { me { username } }");
    const email = "ada@example.com";

    await send(
      `mutation { register(username: "ada", email: "${email}", password: "${PASSWORD}") { message } }`,
    );
    expect(await me()).toMatchObject({ me: null });
    const finalize = `mutation ($token: String) { finalizeRegistration(token: $token) ${AUTH} }`;
    await session.begin(payloadOf(await send(finalize, { token: await server.confirmationToken(email) })));
    expect(await me()).toMatchObject({ me: { username: "ada" } });

    server.advance(16 * MINUTE);
    const answers = await Promise.all([me(), me(), send("{ sessions { current } }")]);
    expect(answers).toMatchObject([
      { me: { username: "ada" } },
      { me: { username: "ada" } },
      { sessions: [{ current: true }] },
    ]);
    expect(relay.refreshes).toBe(1);

    const reset = `mutation ($token: String, $password: String!) { finalizeReset(token: $token, password: $password) ${AUTH} }`;
    await send(`mutation { requestReset(email: "${email}") { message } }`);
    const token = await server.resetToken(email);
    await session.begin(payloadOf(await send(reset, { token, password: NEW_PASSWORD })));
    const change = 'mutation { changeUsername(username: "countess") { username } }';
    expect(await send(change)).toMatchObject({ changeUsername: { username: "countess" } });

    await session.end();
    expect(codesOf(await send(change).catch((error: unknown) => error))).toEqual(["UNAUTHENTICATED"]);
    const login = `mutation { login(username: "countess", password: "${NEW_PASSWORD}") ${AUTH} }`;
    await session.begin(payloadOf(await send(login)));
    expect(await me()).toMatchObject({ me: { username: "countess" } });

    const elsewhere = server.succeed(await server.login({ username: "countess", password: NEW_PASSWORD }));
    server.succeed(await server.as(elsewhere.accessToken).logoutEverywhere());
    expect(codesOf(await send(change).catch((error: unknown) => error))).toEqual(["UNAUTHENTICATED"]);
    expect(session.state).toEqual({ userId: null, endedBy: "server" });
  });

  test("what the client repeats by itself is not done as a user who has logged in meanwhile", async () => {
    const server = await startServer();
    const [ada, grace] = await Promise.all([server.activePerson("ada"), server.activePerson("grace")]);
    const relay = await Relay.start(server);
    const session = createSession({ url: relay.endpoint });
    const send = sendBy(session, {
      beforeRepetition: async () => {
        await session.begin(server.succeed(await server.login(grace)));
      },
    });
    await session.begin(server.succeed(await server.login(ada)));
    const body = "<h1>Bad Gateway</h1>";
    relay.make({ with: /changeUsername/, times: 1, answer: { status: 502, type: "text/html", body } });

    const change = send('mutation { changeUsername(username: "countess") { username } }');

    await expect(change).rejects.toEqual(new SessionUserChangedError(grace.id));
    expect(await send("{ me { username } }")).toMatchObject({ me: { username: "grace" } });
  });
});
