// Opens, finds, continues and ends sessions.
//
// Lock order: user, session. Any other order can deadlock. (An audit event locks its user, too, through its
// foreign key, so recording it first is enough.)
import { randomUUID } from "node:crypto";

import type { EntityManager } from "@mikro-orm/postgresql";

import type { AccountEventType } from "../model/account-event.entity.ts";
import { daysAfter } from "../model/days.ts";
import type { RequestSource } from "../model/request-source.ts";
import { Session } from "../model/session.entity.ts";
import type { SignIn } from "../model/sign-in.ts";
import type { User } from "../model/user.entity.ts";
import { invalidCredentials } from "../rules/account-error.ts";
import type { DeviceTokens } from "../device-tokens.ts";
import type { RefreshTokens } from "../refresh-tokens.ts";
import type { Tokens } from "../tokens.ts";
import { insertEvent, type AuditTrail, type EventValues } from "./audit-trail.ts";
import { batched, run, statement } from "./statement.ts";
import { CONFIRMED_AT_OPENING } from "./step-up.ts";
import { userColumns, userOf, type UserRow } from "./user-row.ts";
import { subjectOf } from "./users.ts";

/** More devices than anybody has: beyond them, the least recently used sessions end. */
export const SESSIONS_MAX = 100;

// One statement, because logins are frequent. Everything in it reads `owner`, so the user's row is locked first. "Active" is
// that of model/account-state.ts.
const OPEN_SESSION = statement<
  EventValues & {
    userId: string;
    credentialVersion: number;
    passwordHash: string;
    sessionId: string;
    expiresAt: Date;
  },
  { credential_version: number }
>(
  "open-session",
  `with owner as (
     select id, credential_version from accounts.users
     where id = :userId and is_active and deactivated_at is null and erase_at is null
       and (credential_version = :credentialVersion or password_hash = :passwordHash)
     for no key update
   ), event as (
     ${insertEvent("owner")}
   ), excess as (
     delete from accounts.sessions where id in (
       select id from accounts.sessions where user_id = (select id from owner)
       order by last_used_at desc, id offset ${SESSIONS_MAX - 1}
     )
   ), session as (
     insert into accounts.sessions (id, user_id, address, user_agent, created_at, last_used_at, expires_at, password_confirmed_at)
     select :sessionId, id, :ip, :userAgent, :occurredAt, :occurredAt, :expiresAt, ${CONFIRMED_AT_OPENING} from owner
   )
   select credential_version from owner`,
);

// A part at a time, because whoever ends a session of theirs waits for the whole statement. What is locked is about to end anyway. The
// next part begins where this one has ended, so that none reads what the others have removed.
const EXPIRED_AT_ONCE = 10_000;
const REMOVE_EXPIRED = statement<{ from: string; now: Date }, { count: number; until: string | null }>(
  "remove-expired-sessions",
  `with removed as (
     delete from accounts.sessions where id in (
       select id from accounts.sessions where expires_at >= :from and expires_at < :now
       order by expires_at limit ${EXPIRED_AT_ONCE} for update skip locked
     ) returning expires_at
   )
   select count(*)::int as count, max(expires_at)::text as until from removed`,
);

const SIGNED_IN = statement<{ sessionIds: readonly string[]; now: Date }, UserRow & { session_id: string }>(
  "signed-in",
  `select ${userColumns("u")}, s.id as session_id from accounts.sessions s join accounts.users u on u.id = s.user_id
   where s.id = any(:sessionIds) and s.expires_at > :now`,
);

/**
 * Removes sessions that had expired by `now`, but for those that something else is just ending.
 * @returns how many
 */
export async function removeExpiredSessions(em: EntityManager, now: Date): Promise<number> {
  let removed = 0;
  for (let from: string | null = "-infinity"; from !== null;) {
    const [part]: { count: number; until: string | null }[] = await run(em, REMOVE_EXPIRED, { from, now });
    removed += part?.count ?? 0;
    from = part?.until ?? null;
  }
  return removed;
}

export interface SessionsDependencies {
  readonly em: EntityManager;
  readonly tokens: Tokens;
  readonly refreshTokens: RefreshTokens;
  readonly deviceTokens: DeviceTokens;
  readonly auditTrail: AuditTrail;
  readonly now: () => Date;
  /** A session ends if it is not used for this long. */
  readonly idleDays: number;
  /** A session ends after this long, however much it is used. */
  readonly maxDays: number;
}

export class Sessions {
  readonly #deps: SessionsDependencies;

  /** The user of a session that has not ended, read-only. The look-ups of concurrent requests are one query. */
  readonly findUser: (sessionId: string) => Promise<User | null>;

  constructor(deps: SessionsDependencies) {
    this.#deps = deps;
    this.findUser = batched(async (sessionIds) => {
      const rows = await run(deps.em, SIGNED_IN, { sessionIds, now: deps.now() });
      return new Map(rows.map((row) => [row.session_id, userOf(row)]));
    });
  }

  /**
   * Opens a session for a user, and records what led to it.
   * @throws {AccountError} INVALID_CREDENTIALS if, since `user` was read, it has got another password or may no longer be
   *   signed in; never while its row is locked
   */
  async open(em: EntityManager, user: User, event: AccountEventType, source: RequestSource): Promise<SignIn> {
    const { tokens, refreshTokens, deviceTokens, auditTrail } = this.#deps;
    const sessionId = randomUUID();
    const values = auditTrail.event(event, { user, source, actor: user });
    const expiresAt = this.#expiry(values.occurredAt, values.occurredAt);
    const [row] = await run(em, OPEN_SESSION, {
      ...values,
      userId: user.id,
      credentialVersion: user.credentialVersion,
      passwordHash: user.passwordHash,
      sessionId,
      expiresAt,
    });
    if (!row) throw invalidCredentials();
    const subject = { userId: user.id, credentialVersion: row.credential_version, reference: sessionId };
    return {
      user,
      accessToken: tokens.issue("access", subject),
      refreshToken: { token: refreshTokens.issue({ sessionId, number: 1 }), expiresAt },
      deviceToken: deviceTokens.issue(user.id, source.deviceTokens ?? []),
    };
  }

  /** Postpones the end of a session whose refresh token of this number was used, and signs in with its successor. */
  continue(session: Session, number: number, source: RequestSource): SignIn {
    const now = this.#deps.now();
    session.usedToken = number;
    session.lastUsedAt = now;
    session.expiresAt = this.#expiry(session.createdAt, now);
    const token = this.#deps.refreshTokens.issue({ sessionId: session.id, number: number + 1 });
    const user = session.user as User;
    return {
      user,
      accessToken: this.#deps.tokens.issue("access", { ...subjectOf(user), reference: session.id }),
      refreshToken: { token, expiresAt: session.expiresAt },
      deviceToken: this.#deps.deviceTokens.issue(user.id, source.deviceTokens ?? []),
    };
  }

  /** Ends all sessions of a user. */
  async endAll(em: EntityManager, user: User): Promise<void> {
    await em.nativeDelete(Session, { user: user.id });
  }

  /** @returns whether the user had this session, and it had not ended */
  async end(em: EntityManager, user: Pick<User, "id">, id: string): Promise<boolean> {
    return (await em.nativeDelete(Session, this.#opened(user, id))) > 0;
  }

  /** Whether the user has this session. Certain only while the user is locked. */
  async isOpen(em: EntityManager, user: Pick<User, "id">, id: string): Promise<boolean> {
    return (await em.count(Session, this.#opened(user, id))) > 0;
  }

  #opened(user: Pick<User, "id">, id: string) {
    return { id, user: user.id, expiresAt: { $gt: this.#deps.now() } };
  }

  /** The earlier of idle and absolute lifetime. */
  #expiry(createdAt: Date, now: Date): Date {
    const idle = daysAfter(now, this.#deps.idleDays);
    const absolute = daysAfter(createdAt, this.#deps.maxDays);
    return idle < absolute ? idle : absolute;
  }
}
