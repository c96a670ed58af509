// Opening sessions and rotating their refresh tokens. Whatever ends or rotates sessions locks the user's row first, if only by
// an event of the user, then the session's, then its tokens': in another order two of them would wait for each other.
import { createHash, randomBytes, randomUUID } from "node:crypto";

import type { EntityManager } from "@mikro-orm/postgresql";

import { invalidCredentials } from "../rules/account-error.ts";
import type { AccountEventType } from "../model/account-event.entity.ts";
import { daysAfter, type Dependencies, type RequestSource } from "../dependencies.ts";
import { prepared } from "./statement.ts";
import { INSERT_EVENT, sourceColumns } from "./audit-trail.ts";
import { RefreshToken, Session } from "../model/session.entity.ts";
import type { IssuedToken } from "../tokens.ts";
import type { User } from "../model/user.entity.ts";
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

// One statement, because logins are many. All of it hangs on `owner`, so that the user's row is locked first.
const OPEN_SESSION = {
  name: "open-session",
  text: `
    with owner as (
      select id, credential_version from accounts.users
      where id = $1 and is_active and deactivated_at is null and erase_at is null
        and (credential_version = $2 or password_hash = $3)
      for no key update
    ), event as (
      ${INSERT_EVENT}
      select id, $4, $5, $6, $7, 'OWNER', id from owner
    ), excess as (
      delete from accounts.sessions where id in (
        select id from accounts.sessions where user_id = (select id from owner)
        order by last_used_at desc, id offset ${SESSIONS_MAX - 1}
      )
    ), session as (
      insert into accounts.sessions (id, user_id, address, user_agent, created_at, last_used_at, expires_at)
      select $8, id, $6, $7, $5, $5, $9 from owner
    ), token as (
      insert into accounts.refresh_tokens (hash, session_id) select $10, $8 from owner
    )
    select credential_version from owner`,
};

/**
 * Opens a session for a user, and records what led to it.
 * @throws {AccountError} INVALID_CREDENTIALS if the user may not be signed in any more, or has got another password since
 *   it was read; never where its row is locked
 */
export async function openSession(
  deps: Dependencies,
  em: EntityManager,
  user: User,
  event: AccountEventType,
  source: RequestSource,
): Promise<SignIn> {
  const now = deps.now();
  const { ip, userAgent } = sourceColumns(source);
  const sessionId = randomUUID();
  const expiresAt = expiry(deps, now, now);
  const token = newRefreshToken();
  const owner = [user.id, user.credentialVersion, user.passwordHash];
  const [row] = await prepared<{ credential_version: number }>(em, OPEN_SESSION, [
    ...owner,
    event,
    now,
    ip,
    userAgent,
    sessionId,
    expiresAt,
    hashOf(token),
  ]);
  if (!row) throw invalidCredentials();
  const subject = { userId: user.id, credentialVersion: row.credential_version, reference: sessionId };
  return {
    user,
    accessToken: deps.tokens.issue("access", subject),
    refreshToken: { token, expiresAt },
  };
}

/** Moves the session's end on and signs in anew, with a refresh token besides those that the session has. */
export async function continueSession(
  deps: Dependencies,
  em: EntityManager,
  session: Session,
): Promise<SignIn> {
  const now = deps.now();
  session.lastUsedAt = now;
  session.expiresAt = expiry(deps, session.createdAt, now);
  await em.flush();
  const token = newRefreshToken();
  await em.insert(RefreshToken, { hash: hashOf(token), session: session.id, spentAt: null });
  const user = session.user as User;
  return {
    user,
    accessToken: deps.tokens.issue("access", { ...subjectOf(user), reference: session.id }),
    refreshToken: { token, expiresAt: session.expiresAt },
  };
}

const newRefreshToken = () => randomBytes(REFRESH_TOKEN_BYTES).toString("base64url");

function expiry(deps: Dependencies, createdAt: Date, now: Date): Date {
  const idle = daysAfter(now, deps.sessionIdleDays);
  const absolute = daysAfter(createdAt, deps.sessionMaxDays);
  return idle < absolute ? idle : absolute;
}

export const hashOf = (refreshToken: string) => createHash("sha256").update(refreshToken).digest();

/** Ends all sessions of a user but, where it is given, one. */
export async function endSessions(em: EntityManager, user: User, kept?: Session): Promise<void> {
  await em.nativeDelete(Session, { user: user.id, ...(kept && { id: { $ne: kept.id } }) });
}
