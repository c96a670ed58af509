// The token of a link from an email. It is in the URL fragment, which browsers never send to a server, and is removed from
// the address bar and the history at once. Opening the link does not use the token, since mail scanners open links too;
// pressing the page's button does.
import { useLocation } from "wouter";

import { Store, useStore } from "./store.ts";

interface MailedLink {
  /** The page that the link is for. */
  readonly path: string;
  readonly token: string;
}

const mailedLink = new Store<MailedLink | null>(null);

/** The token of the link that opened this page, or null. */
export function useMailedToken(): string | null {
  const [path] = useLocation();
  const link = useStore(mailedLink);
  return link?.path === path ? link.token : null;
}

/** Forgets a used token, unless a newer link has been opened since. */
export function forgetMailedToken(token: string): void {
  if (mailedLink.get()?.token === token) mailedLink.set(null);
}

function takeToken(): void {
  const [path = "", query] = location.hash.split("?");
  if (query === undefined) return;
  history.replaceState(history.state, "", path); // no route has a query
  const token = new URLSearchParams(query).get("token");
  if (token !== null) mailedLink.set({ path: path.replace(/^#\/?/, "/"), token });
}

// Runs before the router reads the URL: now, and when a link is pasted into the open page (only the fragment changes).
takeToken();
addEventListener("hashchange", takeToken);
