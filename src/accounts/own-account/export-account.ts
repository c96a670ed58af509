import type { Dependencies } from "../dependencies.ts";
import { AccountEvent } from "../model/account-event.entity.ts";
import { EmailChange } from "../model/email-change.entity.ts";
import type { RequestSource } from "../model/request-source.ts";
import { Session } from "../model/session.entity.ts";
import type { Viewer } from "../model/sign-in.ts";
import type { User } from "../model/user.entity.ts";
import { confirmPassword } from "../password/confirm-password.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import type { USER_COLUMNS } from "../store/user-row.ts";

/** Whether a user gets to see it; a new column does not compile without an answer. */
const EXPORTED: Readonly<Record<keyof typeof USER_COLUMNS, boolean>> = {
  id: true,
  username: true,
  email: true,
  usernameKey: false, // derived
  emailKey: false,
  passwordHash: false,
  locale: true,
  roles: true,
  isActive: true,
  confirmationExpiresAt: false, // null for whoever can ask
  isContested: false, // false, as above
  registrationDevice: false, // null, as above
  credentialVersion: false,
  deactivatedAt: false, // null, as above
  eraseAt: false,
  formerUsername: true,
  formerUsernameUntil: true,
  createdAt: true,
  updatedAt: true,
};

/**
 * Everything that is stored about the user (GDPR, article 15), except the hash of the password.
 * @throws {AccountError} BAD_USER_INPUT, INVALID_CREDENTIALS, SERVER_BUSY
 */
export async function exportAccount(
  deps: Dependencies,
  viewer: Viewer,
  password: string,
  source: RequestSource,
): Promise<object> {
  checkArguments({ password });
  await confirmPassword(deps, viewer, "password", password, source);
  const { user } = viewer;
  const em = deps.em.fork();
  await deps.auditTrail.record(em, "EXPORTED", { user, source, actor: user });
  const byUser = { user: user.id };
  const sessions = await em.find(Session, byUser, { orderBy: { createdAt: "asc" } });
  const emailChanges = await em.find(EmailChange, byUser, { orderBy: { requestedAt: "asc" } });
  const events = await em.find(AccountEvent, byUser, { orderBy: { id: "asc" } });
  return JSON.parse(
    JSON.stringify({
      exportedAt: deps.now(),
      user: exportedOf(user),
      sessions: sessions.map(({ id, ip, userAgent, createdAt, lastUsedAt, expiresAt }) => ({
        ...{ id, address: ip, userAgent, createdAt, lastUsedAt, expiresAt },
      })),
      emailChanges: emailChanges.map(({ oldEmail, newEmail, isUndo, requestedAt, endsAt }) => ({
        ...{ oldEmail, newEmail, isUndo, requestedAt, endsAt },
      })),
      events: events.map(({ type, occurredAt, ip, userAgent, actor, actorId }) => ({
        ...{ type, occurredAt, address: ip, userAgent, actor, actorId },
      })),
    }),
  ) as object;
}

function exportedOf(user: User): object {
  const names = (Object.keys(EXPORTED) as (keyof typeof EXPORTED)[]).filter((name) => EXPORTED[name]);
  return Object.fromEntries(names.map((name) => [name, user[name]]));
}
