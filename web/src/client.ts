// The way to the server: urql, with the access token on every request of a session, renewed when it is good no longer.
import { authExchange } from "@urql/exchange-auth";
import { cacheExchange, Client, fetchExchange } from "urql";

import { ENDPOINT } from "./endpoint.ts";
import { refreshSession, session } from "./session.ts";

/** A client of its own for each person, so that nothing cached for one is shown to another. */
export function createClient(userId: string | undefined): Client {
  return new Client({
    ...ENDPOINT,
    exchanges: [
      cacheExchange,
      authExchange((utilities) =>
        Promise.resolve({
          addAuthToOperation(operation) {
            const token = session.get()?.accessToken;
            return token === undefined
              ? operation
              : utilities.appendHeaders(operation, { authorization: `Bearer ${token}` });
          },
          didAuthError: ({ graphQLErrors }) =>
            userId !== undefined &&
            graphQLErrors.some(({ extensions }) => extensions["code"] === "UNAUTHENTICATED"),
          refreshAuth: refreshSession,
        }),
      ),
      fetchExchange,
    ],
  });
}
