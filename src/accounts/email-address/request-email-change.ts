import type { EntityManager } from "@mikro-orm/postgresql";

import type { Dependencies } from "../dependencies.ts";
import { isLapsed } from "../model/account-state.ts";
import { EmailChange } from "../model/email-change.entity.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { Viewer } from "../model/sign-in.ts";
import { User } from "../model/user.entity.ts";
import { confirmPassword } from "../password/confirm-password.ts";
import { emailInUse } from "../rules/account-error.ts";
import { checkApplication, checkArguments } from "../rules/argument-rules.ts";
import { foldCase } from "../rules/fold-case.ts";
import { ONE_ANSWER } from "../rules/one-answer.ts";
import { lockViewer } from "../store/locks.ts";

/**
 * Mails a link to the new email address, which becomes the account's when the link is used. Older links stay good until one is
 * used.
 * @param args.application whose page the link leads to
 * @throws {AccountError} BAD_USER_INPUT, INVALID_CREDENTIALS, EMAIL_TAKEN, SERVER_BUSY, UNAUTHENTICATED, RATE_LIMITED
 */
export async function requestEmailChange(
  deps: Dependencies,
  viewer: Viewer,
  args: { newEmail: string; password: string; application?: string },
  source: RequestSource,
): Promise<string> {
  checkArguments({ ...args }, ["newEmail"]);
  checkApplication(deps.applications, args.application);
  const { newEmail, password, application } = args;
  await confirmPassword(deps, viewer, "password", password, source);
  await deps.rateLimits.tryMail(newEmail, source);
  await deps.transaction(async (em) => {
    const user = await lockViewer(em, viewer.user, deps.now());
    // Where existence is hidden, the worker looks, and mails the owner of the email address instead.
    if (!deps.hideAccountExistence && (await isInUse(deps, em, newEmail, user)))
      throw emailInUse(newEmail, "newEmail");
    const change = EmailChange.of(user, { newEmail, isUndo: false, now: deps.now() });
    await em.insert(change);
    await deps.auditTrail.record(em, "EMAIL_CHANGE_REQUESTED", { user, source, actor: user });
    await deps.outbox.enqueue(em, "email-change", user, { emailChangeId: change.id, application });
  });
  return deps.hideAccountExistence ? ONE_ANSWER : `A confirmation email is on its way to ${newEmail}.`;
}

/** The viewer's own email address is free in another case. */
async function isInUse(
  { now }: Dependencies,
  em: EntityManager,
  email: string,
  viewer: User,
): Promise<boolean> {
  if (email === viewer.email) return true;
  const found = await em.find(User, { emailKey: foldCase(email) });
  return found.some((user) => user.id !== viewer.id && !isLapsed(user, now()));
}
