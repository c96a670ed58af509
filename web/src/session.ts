// Who is signed in: the access token, held in memory. Until sessions can be refreshed, a copy in sessionStorage, which
// ends with the tab, survives a reload.
import { Store } from "./store.ts";

export interface Session {
  readonly accessToken: string;
  /** RFC 3339. */
  readonly expiresAt: string;
}

const KEY = "session";

/** Null for a visitor. */
export const session = new Store<Session | null>(keptSession());

export function signIn({ accessToken, expiresAt }: Session): void {
  sessionStorage.setItem(KEY, JSON.stringify({ accessToken, expiresAt }));
  session.set({ accessToken, expiresAt });
}

export function signOut(): void {
  sessionStorage.removeItem(KEY);
  session.set(null);
}

function keptSession(): Session | null {
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Session | null;
  return kept && new Date(kept.expiresAt) > new Date() ? kept : null;
}
