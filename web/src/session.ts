// Who is logged in. The access token is kept in memory only, the refresh token in a cookie.
import { Client, fetchExchange } from "urql";

import { announce } from "./announcement.ts";
import { done } from "./done.ts";
import { ENDPOINT } from "./endpoint.ts";
import { REFRESH_SESSION } from "./operations.ts";
import { Store } from "./store.ts";

export interface Session {
  readonly accessToken: string;
  readonly userId: string;
}

/** Null if nobody is logged in. */
export const session = new Store<Session | null>(null);

/** Set in localStorage while there may be a session to restore. It does not say whose, and grants no access. */
const HINT = "signed-in";

export function signIn({ accessToken, user }: { accessToken: string; user: { id: string } }): void {
  session.set({ accessToken, userId: user.id });
  attempt(() => localStorage.setItem(HINT, "yes"));
}

export function signOut(): void {
  session.set(null);
  attempt(() => localStorage.removeItem(HINT));
}

/** Logs in again after a reload or in a new tab. Sends no request if nobody was logged in. */
export async function restoreSession(): Promise<void> {
  if (attempt(() => localStorage.getItem(HINT)) !== null) await refreshSession();
}

/**
 * One at a time in all tabs: a request that was slow would otherwise bring the refresh token after another tab has used its
 * successor, which ends the session.
 */
export function refreshSession(): Promise<void> {
  // Over plain http, browsers have locks on localhost alone.
  const exchange = () =>
    "locks" in navigator
      ? navigator.locks.request("refresh-session", exchangeRefreshToken)
      : exchangeRefreshToken();
  refreshing ??= exchange().finally(() => {
    refreshing = undefined;
  });
  return refreshing;
}

let refreshing: Promise<void> | undefined;

async function exchangeRefreshToken(): Promise<void> {
  const client = new Client({ ...ENDPOINT, exchanges: [fetchExchange] });
  const result = await client.mutation(REFRESH_SESSION, {}).toPromise();
  const data = done(result);
  if (data) {
    signIn(data.refreshSession);
    return;
  }
  if (result.error?.networkError) return; // the session is still valid if the server is only unreachable
  announce("Your session has ended. Log in again.");
  signOut();
}

/** Browsers throw if storage is blocked. The session then lasts as long as the page. */
function attempt<Result>(access: () => Result): Result | null {
  try {
    return access();
  } catch {
    return null;
  }
}
