// The token of a mailed link. It comes in the fragment, which browsers send to no server, and leaves the address bar and
// the history at once. Opening the link uses nothing up: that takes a button (mail scanners open links, too).
import { Store } from "./store.ts";

/** Null on a page that was not opened by a link. */
export const mailedToken = new Store<string | null>(null);

function takeToken(): void {
  const [path, query] = location.hash.split("?");
  const token = new URLSearchParams(query).get("token");
  if (token === null) return;
  history.replaceState(null, "", path);
  mailedToken.set(token);
}

// Before the router looks at the address, now and when a link is pasted into the open page (only the fragment changes).
takeToken();
addEventListener("hashchange", takeToken);
