import type { Dependencies } from "../dependencies.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { Viewer } from "../model/sign-in.ts";

/** Ends the session of the request. */
export async function logout(deps: Dependencies, viewer: Viewer, source: RequestSource): Promise<string> {
  const { user, session } = viewer;
  await deps.transaction(async (em) => {
    await deps.auditTrail.record(em, "LOGGED_OUT", { user, source, actor: user });
    await deps.sessions.end(em, user, session.id);
  });
  return "You are logged out.";
}
