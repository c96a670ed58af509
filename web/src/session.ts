// Who is signed in: the access token, held in memory. Until sessions can be refreshed, a copy in sessionStorage, which
// ends with the tab, survives a reload. Only the server knows when it has ended: the visitor's clock may be wrong.
import { Store } from "./store.ts";

export interface Session {
  readonly accessToken: string;
}

const KEY = "session";

/** Null for a visitor. */
export const session = new Store<Session | null>(keptSession());

export function signIn({ accessToken }: Session): void {
  session.set({ accessToken });
  attempt(() => sessionStorage.setItem(KEY, JSON.stringify({ accessToken })));
}

export function signOut(): void {
  session.set(null);
  attempt(() => sessionStorage.removeItem(KEY));
}

function keptSession(): Session | null {
  const kept = attempt(() => JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Partial<Session> | null);
  return typeof kept?.accessToken === "string" ? { accessToken: kept.accessToken } : null;
}

/** A browser that lets no page keep anything throws; then the session lives in memory alone. */
function attempt<Result>(access: () => Result): Result | null {
  try {
    return access();
  } catch {
    return null;
  }
}
