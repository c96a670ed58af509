// Who is logged in, and requests to the account server. The access token stays in memory; the refresh token is a cookie of the server,
// which no script can read, and which the browser sends along because this page is on the same site.
import { ClientError, GraphQLClient, type Variables } from "graphql-request";

import { LOGOUT, REFRESH_SESSION, type AuthPayload, type User } from "./operations.ts";

/** Under the host name of this page, or else the cookie would be another site's. */
export const SERVER: string =
  (import.meta.env.VITE_SERVER_URL as string | undefined) ?? `http://${location.hostname}:4000`;

const client = new GraphQLClient(`${SERVER}/graphql`, {
  credentials: "include",
  headers: { "session-transport": "cookie" },
});

let session: AuthPayload | null = null;
const listeners = new Set<() => void>();

/** For React's useSyncExternalStore. */
export const currentUser = {
  get: (): User | null => session?.user ?? null,
  subscribe: (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

/** Keeps what login and the other mutations that log in return. */
export function begin(payload: AuthPayload | null): void {
  session = payload;
  for (const listener of listeners) listener();
}

/**
 * Sends an operation, with an access token if somebody is logged in. One that has expired is renewed.
 * @throws {ClientError} a refusal
 */
export async function ask<Data>(operation: string, variables: Variables = {}): Promise<Data> {
  const send = () =>
    client.request<Data>(
      operation,
      variables,
      session ? { authorization: `Bearer ${session.accessToken}` } : {},
    );
  try {
    return await send();
  } catch (error) {
    if (session === null || codeOf(error) !== "UNAUTHENTICATED") throw error;
    const { id } = session.user;
    await refresh();
    if (currentUser.get()?.id !== id) throw error; // the cookie is another user's by now
    return send();
  }
}

/**
 * Renews the access token, also of somebody who has logged in at a hosted page or before a reload. One request at a time in all tabs:
 * a refresh token is used once.
 */
export function refresh(): Promise<void> {
  refreshing ??= navigator.locks.request("refresh-session", exchange).finally(() => {
    refreshing = undefined;
  });
  return refreshing;
}

let refreshing: Promise<void> | undefined;

async function exchange(): Promise<void> {
  try {
    const { refreshSession } = await client.request<{ refreshSession: AuthPayload }>(REFRESH_SESSION);
    begin(refreshSession);
  } catch (error) {
    if (error instanceof ClientError) begin(null); // else the server is only out of reach
  }
}

export async function logOut(): Promise<void> {
  await ask(LOGOUT);
  begin(null);
}

/** What is told about a request that failed. */
export function explain(error: unknown): string {
  const refusal = error instanceof ClientError ? error.response.errors?.[0]?.message : undefined;
  return refusal ?? "The server cannot be reached. Try again.";
}

function codeOf(error: unknown): unknown {
  return error instanceof ClientError ? error.response.errors?.[0]?.extensions.code : undefined;
}
