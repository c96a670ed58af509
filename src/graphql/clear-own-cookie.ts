// Takes the refresh token out of the browser of somebody who has logged out.
import type { Accounts } from "../accounts/accounts.ts";
import type { Viewer } from "../accounts/model/sign-in.ts";
import type { RequestContext } from "./context.ts";

/** Spares the cookie of another user, who has logged in with this browser since. */
export function clearOwnCookie(
  accounts: Accounts,
  viewer: Viewer,
  { refreshCookie }: Pick<RequestContext, "refreshCookie">,
): void {
  const token = refreshCookie?.read();
  if (token !== undefined && accounts.isOwnRefreshToken(viewer, token)) refreshCookie?.clear();
}
