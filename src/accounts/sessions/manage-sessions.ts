import { notFound } from "../rules/account-error.ts";
import type { Dependencies, RequestSource } from "../dependencies.ts";
import { record } from "../store/audit-trail.ts";
import { Session } from "../model/session.entity.ts";
import { endSessions, type Viewer } from "../store/sessions.ts";
import { UUID } from "../store/users.ts";

/** The sessions of a user that have not ended, the one used last first. */
export function sessions({ em, now }: Dependencies, { user }: Viewer): Promise<Session[]> {
  return em
    .fork()
    .find(
      Session,
      { user: user.id, expiresAt: { $gt: now() } },
      { orderBy: { lastUsedAt: "desc", id: "asc" } },
    );
}

/** Ends the session of the request. */
export async function logout(deps: Dependencies, viewer: Viewer, source: RequestSource): Promise<string> {
  const { user, session } = viewer;
  await deps.em.fork().transactional(async (em) => {
    await record(deps, em, "LOGGED_OUT", { user, source, actor: user });
    await em.nativeDelete(Session, { id: session.id });
  });
  return "You are signed out.";
}

/** Ends every session, the one of the request included. */
export async function logoutEverywhere(
  deps: Dependencies,
  { user }: Viewer,
  source: RequestSource,
): Promise<string> {
  await deps.em.fork().transactional(async (em) => {
    await record(deps, em, "SESSIONS_ENDED", { user, source, actor: user });
    await endSessions(em, user);
  });
  return "You are signed out on every device.";
}

/**
 * Ends one session, as of a lost device.
 * @throws {AccountError} NOT_FOUND
 */
export async function revokeSession(
  deps: Dependencies,
  { user }: Viewer,
  id: string,
  source: RequestSource,
): Promise<string> {
  if (!UUID.test(id)) throw notFound(id);
  const session = { id, user: user.id, expiresAt: { $gt: deps.now() } };
  await deps.em.fork().transactional(async (em) => {
    await record(deps, em, "SESSION_REVOKED", { user, source, actor: user });
    if ((await em.nativeDelete(Session, session)) === 0) throw notFound(id);
  });
  return "The session is ended.";
}
