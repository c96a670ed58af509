import type { AccountsParts } from "../parts.ts";
import { Session } from "../session.entity.ts";
import type { Viewer } from "../sessions.ts";
import type { User } from "../user.entity.ts";
import { isBoundTo } from "../users.ts";

/** The user and the session that a good access token belongs to; null for any other token, and once either has ended. */
export async function authenticate(parts: AccountsParts, accessToken: string): Promise<Viewer | null> {
  const subject = parts.tokens.read("access", accessToken);
  if (subject?.reference === undefined) return null;
  const session = await parts.em
    .fork()
    .findOne(
      Session,
      { id: subject.reference, user: subject.userId, expiresAt: { $gt: parts.now() } },
      { populate: ["user"] },
    );
  if (!session) return null;
  const user = session.user as User;
  return user.isUsable && isBoundTo(subject, user) ? { user, session } : null;
}
