// Opening sessions and rotating their refresh tokens. Whatever ends or rotates sessions locks the user's row first, if only by
// an event of the user, then the session's, then its tokens': in another order two of them would wait for each other.
import { createHash, randomBytes } from "node:crypto";

import type { EntityManager } from "@mikro-orm/postgresql";

import { daysAfter, type AccountsParts, type Origin } from "./parts.ts";
import { originColumns } from "./record.ts";
import { RefreshToken, Session } from "./session.entity.ts";
import type { IssuedToken } from "./tokens.ts";
import type { User } from "./user.entity.ts";
import { subjectOf } from "./users.ts";

/** Who is signed in from now on, and with what. */
export interface SignIn {
  readonly user: User;
  readonly accessToken: IssuedToken;
  readonly refreshToken: IssuedToken;
}

/** A signed-in user and the session of the request. */
export interface Viewer {
  readonly user: User;
  readonly session: Pick<Session, "id">;
}

/** More devices than anybody has: the least recently used sessions beyond them end, so that the list stays one. */
const SESSIONS_MAX = 100;
/** OWASP Session Management: at least 64 bits of entropy. */
const REFRESH_TOKEN_BYTES = 32;

/** Opens a session for a user whose row is locked, in the transaction of `em`. */
export async function openSession(
  parts: AccountsParts,
  em: EntityManager,
  user: User,
  origin: Origin,
): Promise<SignIn> {
  const now = parts.now();
  const session = Session.open(user, { ...originColumns(origin), now, expiresAt: expiry(parts, now, now) });
  await em.insert(session);
  const excess = await em.find(
    Session,
    { user: user.id },
    { fields: ["id"], orderBy: { lastUsedAt: "desc", id: "asc" }, offset: SESSIONS_MAX },
  );
  if (excess.length > 0) await em.nativeDelete(Session, { id: { $in: excess.map(({ id }) => id) } });
  return signIn(parts, em, session);
}

/** Moves the session's end on and signs in anew, with a refresh token besides those that the session has. */
export async function continueSession(
  parts: AccountsParts,
  em: EntityManager,
  session: Session,
): Promise<SignIn> {
  const now = parts.now();
  session.lastUsedAt = now;
  session.expiresAt = expiry(parts, session.createdAt, now);
  await em.flush();
  return signIn(parts, em, session);
}

async function signIn(parts: AccountsParts, em: EntityManager, session: Session): Promise<SignIn> {
  const token = randomBytes(REFRESH_TOKEN_BYTES).toString("base64url");
  await em.insert(RefreshToken, { hash: hashOf(token), session: session.id, spentAt: null });
  const user = session.user as User;
  return {
    user,
    accessToken: parts.tokens.issue("access", { ...subjectOf(user), reference: session.id }),
    refreshToken: { token, expiresAt: session.expiresAt },
  };
}

function expiry(parts: AccountsParts, createdAt: Date, now: Date): Date {
  const idle = daysAfter(now, parts.sessionIdleDays);
  const absolute = daysAfter(createdAt, parts.sessionMaxDays);
  return idle < absolute ? idle : absolute;
}

export const hashOf = (refreshToken: string) => createHash("sha256").update(refreshToken).digest();

/** Ends all sessions of a user but, where it is given, one. */
export async function endSessions(em: EntityManager, user: User, kept?: Session): Promise<void> {
  await em.nativeDelete(Session, { user: user.id, ...(kept && { id: { $ne: kept.id } }) });
}
