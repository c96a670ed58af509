import type { EntityManager } from "@mikro-orm/postgresql";

import type { Dependencies } from "../dependencies.ts";
import { EmailChange } from "../model/email-change.entity.ts";
import type { RequestSource } from "../model/request-source.ts";
import { Session } from "../model/session.entity.ts";
import type { Viewer } from "../model/sign-in.ts";
import type { User } from "../model/user.entity.ts";
import { confirmPassword } from "../password/confirm-password.ts";
import { AccountError } from "../rules/account-error.ts";
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

/** Those of an account that is used several times a day, for as long as events are kept. */
const MAX_EVENTS = 10_000;
const MAX_EMAIL_CHANGES = 1_000;

/** Each export holds up to a few megabytes. */
const MAX_UNDER_WAY = 4;

/**
 * Everything that is stored about the user (GDPR, article 15), except the hash of the password. Of more than MAX_EVENTS events, the
 * newest.
 * @throws {AccountError} BAD_USER_INPUT, INVALID_CREDENTIALS, RATE_LIMITED, SERVER_BUSY also while another export of the user is
 *   under way
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
  const underWay = deps.exportsUnderWay;
  if (underWay.has(user.id) || underWay.size >= MAX_UNDER_WAY)
    throw new AccountError("SERVER_BUSY", "Another export is under way. Try again in a moment.");
  underWay.add(user.id);
  try {
    await deps.auditTrail.record(deps.em, "EXPORTED", { user, source, actor: user });
    return await deps.readAnywhere((em) => dataOf(em, deps, user));
  } finally {
    underWay.delete(user.id);
  }
}

async function dataOf(em: EntityManager, deps: Dependencies, user: User): Promise<object> {
  const byUser = { user: user.id };
  const sessions = await em.find(Session, byUser, { orderBy: { createdAt: "asc" } });
  const emailChanges = await em.find(EmailChange, byUser, {
    orderBy: { requestedAt: "desc" },
    limit: MAX_EMAIL_CHANGES,
  });
  const { events, hasOlder } = await deps.auditTrail.newest(em, user, MAX_EVENTS);
  return {
    exportedAt: deps.now(),
    user: exportedOf(user),
    sessions: sessions.map(({ id, ip, userAgent, createdAt, lastUsedAt, expiresAt }) => ({
      ...{ id, address: ip, userAgent, createdAt, lastUsedAt, expiresAt },
    })),
    emailChanges: emailChanges.reverse().map(({ oldEmail, newEmail, isUndo, requestedAt, endsAt }) => ({
      ...{ oldEmail, newEmail, isUndo, requestedAt, endsAt },
    })),
    events,
    olderEvents: hasOlder
      ? `These are the newest ${MAX_EVENTS} events. The query recentActivity has pages of all of them.`
      : null,
  };
}

function exportedOf(user: User): object {
  const names = (Object.keys(EXPORTED) as (keyof typeof EXPORTED)[]).filter((name) => EXPORTED[name]);
  return Object.fromEntries(names.map((name) => [name, user[name]]));
}
