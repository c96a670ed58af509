// The token of a mailed link. It comes in the fragment, which browsers send to no server, and leaves the address bar and
// the tab's history at once. Opening the link uses nothing up: that takes a button (mail scanners open links, too).
import { useLocation } from "wouter";

import { Store, useStore } from "./store.ts";

interface MailedLink {
  /** The page that the link is for. */
  readonly path: string;
  readonly token: string;
}

const mailedLink = new Store<MailedLink | null>(null);

/** The token of the link that opened this page; null if none did. */
export function useMailedToken(): string | null {
  const [path] = useLocation();
  const link = useStore(mailedLink);
  return link?.path === path ? link.token : null;
}

/** A link that was used; a newer one that has come meanwhile stays. */
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

// Before the router looks at the address, now and when a link is pasted into the open page (only the fragment changes).
takeToken();
addEventListener("hashchange", takeToken);
