import { AccountEvent } from "../model/account-event.entity.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { EmailChange } from "../model/email-change.entity.ts";
import type { Dependencies, RequestSource } from "../dependencies.ts";
import { record } from "../store/audit-trail.ts";
import { Session } from "../model/session.entity.ts";
import type { Viewer } from "../store/sessions.ts";
import { confirmPassword } from "../store/users.ts";

/**
 * All that is stored about a user, for its owner (GDPR, article 15), but what is there to keep others out: the hashes of
 * password and refresh tokens.
 * @throws {AccountError} BAD_USER_INPUT, INVALID_CREDENTIALS, SERVER_BUSY
 */
export async function exportAccount(
  deps: Dependencies,
  { user }: Viewer,
  password: string,
  source: RequestSource,
): Promise<object> {
  checkArguments({ password });
  await confirmPassword(deps, user, "password", password, source);
  const em = deps.em.fork();
  await record(deps, em, "EXPORTED", { user, source, actor: user });
  const byUser = { user: user.id };
  const sessions = await em.find(Session, byUser, { orderBy: { createdAt: "asc" } });
  const emailChanges = await em.find(EmailChange, byUser, { orderBy: { requestedAt: "asc" } });
  const events = await em.find(AccountEvent, byUser, { orderBy: { id: "asc" } });
  const { id, username, email, locale, roles, isActive, createdAt, updatedAt } = user;
  return JSON.parse(
    JSON.stringify({
      exportedAt: deps.now(),
      user: { id, username, email, locale, roles, isActive, createdAt, updatedAt },
      sessions: sessions.map(({ id, ip, userAgent, createdAt, lastUsedAt, expiresAt }) => ({
        ...{ id, address: ip, userAgent, createdAt, lastUsedAt, expiresAt },
      })),
      emailChanges: emailChanges.map(({ oldEmail, newEmail, isUndo, requestedAt }) => ({
        ...{ oldEmail, newEmail, isUndo, requestedAt },
      })),
      events: events.map(({ type, occurredAt, ip, userAgent, actor, actorId }) => ({
        ...{ type, occurredAt, address: ip, userAgent, actor, actorId },
      })),
    }),
  ) as object;
}
