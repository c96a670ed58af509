// Who is logged in, by the client package. The access token is kept in memory only, the refresh token in a cookie.
import { useSyncExternalStore } from "react";

import { createSession, type SessionState } from "../../client/session.ts";
import { announce, announcement } from "./announcement.ts";

export const session = createSession({ url: "/graphql" });

const OTHER_USER = "Someone else has logged in with this browser.";

session.subscribe(({ endedBy }) => {
  if (endedBy === "server") announce("Your session has ended. Log in again.", true);
  if (endedBy === "other-user") {
    // Now, for pages that stay, and on the next, where the others lead.
    announcement.set({ sentence: OTHER_USER, isTrouble: true });
    announce(OTHER_USER, true);
  }
});

export function useSession(): SessionState {
  return useSyncExternalStore(session.subscribe, () => session.state);
}
