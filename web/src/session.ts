// Who is signed in. The access token lives in memory alone; the refresh token in a cookie.
import { Client, fetchExchange } from "urql";

import { announce } from "./announcement.ts";
import { ENDPOINT } from "./endpoint.ts";
import { REFRESH_SESSION } from "./operations.ts";
import { Store } from "./store.ts";

export interface Session {
  readonly accessToken: string;
  readonly userId: string;
}

/** Null for a visitor. */
export const session = new Store<Session | null>(null);

/** In localStorage: whether there may be a session to restore. It says nothing of whose, and opens nothing. */
const HINT = "signed-in";

export function signIn({ accessToken, user }: { accessToken: string; user: { id: string } }): void {
  session.set({ accessToken, userId: user.id });
  attempt(() => localStorage.setItem(HINT, "yes"));
}

export function signOut(): void {
  session.set(null);
  attempt(() => localStorage.removeItem(HINT));
}

/** Signs in again after a reload or in a new tab; a visitor costs no request. */
export async function restoreSession(): Promise<void> {
  if (attempt(() => localStorage.getItem(HINT)) !== null) await refreshSession();
}

/** One at a time, since each spends the refresh token. */
export function refreshSession(): Promise<void> {
  refreshing ??= exchangeRefreshToken().finally(() => {
    refreshing = undefined;
  });
  return refreshing;
}

let refreshing: Promise<void> | undefined;

async function exchangeRefreshToken(): Promise<void> {
  const client = new Client({ ...ENDPOINT, exchanges: [fetchExchange] });
  const { data, error } = await client.mutation(REFRESH_SESSION, {}).toPromise();
  if (data) {
    signIn(data.refreshSession);
    return;
  }
  if (error?.networkError) return; // while the server is away, nothing has ended
  announce("Your session has ended. Log in again.");
  signOut();
}

/** A browser that lets no page keep anything throws; then the session ends with the page. */
function attempt<Result>(access: () => Result): Result | null {
  try {
    return access();
  } catch {
    return null;
  }
}
