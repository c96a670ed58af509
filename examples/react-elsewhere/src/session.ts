// Who is logged in, and requests to the account server. The client package keeps the session: the access token in memory, the refresh
// token in a cookie of the server, which the browser sends along because this page is on the same site.
import { createSession } from "account-server-client";
import { ClientError, GraphQLClient, type Variables } from "graphql-request";

/** Under the host name of this page, or else the cookie would be another site's. */
export const SERVER: string =
  (import.meta.env.VITE_SERVER_URL as string | undefined) ?? `http://${location.hostname}:4000`;

export const session = createSession({ url: `${SERVER}/graphql` });

const client = new GraphQLClient(session.url, { fetch: session.fetch });

/**
 * Sends an operation, as the user who is logged in if anybody is.
 * @throws {ClientError} a refusal
 */
export function ask<Data>(operation: string, variables: Variables = {}): Promise<Data> {
  return client.request<Data>(operation, variables);
}

/** What is told about a request that failed. */
export function explain(error: unknown): string {
  const refusal = error instanceof ClientError ? error.response.errors?.[0]?.message : undefined;
  return refusal ?? "The server cannot be reached. Try again.";
}
