// The GraphQL client (urql). Sends the access token with every request, and renews it once the server refuses it.
import { authExchange } from "@urql/exchange-auth";
import { cacheExchange, Client, fetchExchange } from "urql";

import { challengeExchange } from "./challenge.ts";
import { ENDPOINT } from "./endpoint.ts";
import { refreshSession, session } from "./session.ts";

/** Each user gets a new client, so that one user's cached data is never shown to another. */
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
            graphQLErrors.some(
              ({ extensions: { code, field } }) =>
                code === "UNAUTHENTICATED" ||
                // Of a mailed link: who is logged in would need no password.
                (code === "PASSWORD_REQUIRED" && field === "password"),
            ),
          refreshAuth: refreshSession,
        }),
      ),
      challengeExchange,
      fetchExchange,
    ],
  });
}
