import type { Dependencies } from "../dependencies.ts";
import { Session } from "../model/session.entity.ts";
import type { Viewer } from "../model/sign-in.ts";

/** The sessions of a user that have not ended, the most recently used first. */
export function listSessions({ em, now }: Dependencies, { user }: Pick<Viewer, "user">): Promise<Session[]> {
  return em
    .fork()
    .find(
      Session,
      { user: user.id, expiresAt: { $gt: now() } },
      { orderBy: { lastUsedAt: "desc", id: "asc" } },
    );
}
