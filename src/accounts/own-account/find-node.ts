import type { Dependencies } from "../dependencies.ts";
import { Session } from "../model/session.entity.ts";
import type { Viewer } from "../model/sign-in.ts";
import { Role, type User } from "../model/user.entity.ts";
import { findById, UUID } from "../store/users.ts";

/**
 * What a user may see under an ID: themselves and their sessions, and as an administrator all users. Null for whatever else there is,
 * so that nobody learns of it.
 */
export async function findNode(
  { em, now }: Dependencies,
  { user }: Viewer,
  id: string,
): Promise<{ readonly user: User } | { readonly session: Session } | null> {
  if (!UUID.test(id)) return null;
  if (id === user.id) return { user };
  const session = await em.fork().findOne(Session, { id, user: user.id, expiresAt: { $gt: now() } });
  if (session) return { session };
  const other = user.roles.includes(Role.ADMIN) ? await findById(em, id) : null;
  return other && { user: other };
}
