import type { Dependencies } from "../dependencies.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { Viewer } from "../model/sign-in.ts";
import { notFound } from "../rules/account-error.ts";
import { UUID } from "../store/users.ts";

/**
 * Ends one session, such as that of a lost device.
 * @throws {AccountError} NOT_FOUND
 */
export async function revokeSession(
  deps: Dependencies,
  { user }: Viewer,
  id: string,
  source: RequestSource,
): Promise<string> {
  if (!UUID.test(id)) throw notFound(id);
  await deps.transaction(async (em) => {
    await deps.auditTrail.record(em, "SESSION_REVOKED", { user, source, actor: user });
    if (!(await deps.sessions.end(em, user, id))) throw notFound(id);
  });
  return "The session has ended.";
}
