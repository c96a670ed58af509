// The way to the server: urql, with the access token on every request of a session.
import { authExchange } from "@urql/exchange-auth";
import { cacheExchange, Client, fetchExchange } from "urql";

import { announce } from "./announcement.ts";
import { signOut, type Session } from "./session.ts";

/** A client of its own for each session, so that nothing cached for one person is shown to another. */
export function createClient(session: Session | null): Client {
  return new Client({
    url: "/graphql",
    preferGetMethod: false,
    exchanges: [
      cacheExchange,
      authExchange((utilities) =>
        Promise.resolve({
          addAuthToOperation: (operation) =>
            session
              ? utilities.appendHeaders(operation, { authorization: `Bearer ${session.accessToken}` })
              : operation,
          didAuthError: ({ graphQLErrors }) =>
            session !== null &&
            graphQLErrors.some(({ extensions }) => extensions["code"] === "UNAUTHENTICATED"),
          refreshAuth() {
            announce("Your session has ended. Log in again.");
            signOut();
            return Promise.resolve();
          },
        }),
      ),
      fetchExchange,
    ],
  });
}
