// The GraphQL client (urql). The session puts the access token on every request, and renews it.
import { cacheExchange, Client, fetchExchange } from "urql";

import { challengeExchange } from "./challenge.ts";
import { session } from "./session.ts";

/** Each user gets a new client, so that one user's cached data is never shown to another, and nothing is sent as another. */
export function createClient(userId: string | null): Client {
  return new Client({
    url: session.url,
    fetch: session.fetchAs(userId),
    preferGetMethod: false,
    exchanges: [cacheExchange, challengeExchange, fetchExchange],
  });
}
