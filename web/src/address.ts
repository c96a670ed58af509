// Takes the query out of the address, where a mailed link has its token, and a page on another origin says where to return to. It is
// removed from the address bar and the history at once: no route has a query.
import { takeMailedToken } from "./mailed-link.ts";
import { findReturnToOfMail, takeReturnTo } from "./return-to.ts";

function takeQuery(): void {
  const [path = "", query] = location.hash.split(/\?(.*)/s);
  if (query === undefined) return;
  history.replaceState(history.state, "", path);
  const values = new URLSearchParams(query);
  const [token, returnTo] = [values.get("token"), values.get("returnTo")];
  if (returnTo !== null) takeReturnTo(returnTo);
  if (token !== null) {
    takeMailedToken(path.replace(/^#\/?/, "/"), token);
    findReturnToOfMail();
  }
}

// Runs before the router reads the URL: now, and when a link is pasted into the open page (only the fragment changes).
takeQuery();
addEventListener("hashchange", takeQuery);
