import type { Dependencies } from "../dependencies.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { Viewer } from "../model/sign-in.ts";
import { lockUser } from "../store/locks.ts";

/** Ends every session, the one of the request included. */
export async function logoutEverywhere(
  deps: Dependencies,
  { user }: Viewer,
  source: RequestSource,
): Promise<string> {
  await deps.transaction(async (em) => {
    await lockUser(em, user.id); // a login that is under way either comes first and is ended, or comes later
    await deps.auditTrail.record(em, "SESSIONS_ENDED", { user, source, actor: user });
    await deps.sessions.endAll(em, user);
  });
  return "You are logged out on all devices.";
}
