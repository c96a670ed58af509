import { AccountError, emailNotFound } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { foldCase } from "../rules/fold-case.ts";
import type { AccountsParts, Origin } from "../dependencies.ts";
import { record } from "../store/audit-trail.ts";
import { User } from "../model/user.entity.ts";
import { enqueueMail, findByEmail, ONE_ANSWER } from "../store/users.ts";

/**
 * Sends a new confirmation link; older ones stay good until one is used.
 * @throws {AccountError} BAD_USER_INPUT, EMAIL_NOT_FOUND, ALREADY_ACTIVATED
 */
export async function resendRegistration(
  parts: AccountsParts,
  email: string,
  origin: Origin,
): Promise<string> {
  checkArguments({ email }, ["email"]);
  await parts.em.fork().transactional(async (em) => {
    const user = await findByEmail(em, email);
    if (!parts.hideAccountExistence) {
      if (!user) throw emailNotFound(email);
      if (user.isActive) {
        throw new AccountError("ALREADY_ACTIVATED", `The account of ${email} is activated already: log in.`, {
          field: "email",
        });
      }
    }
    await em.nativeUpdate(
      User,
      { emailKey: foldCase(email), isActive: false },
      { confirmationExpiresAt: parts.tokens.expiry("registration") },
    );
    await record(parts, em, "CONFIRMATION_REQUESTED", { user, origin, actor: null });
    await enqueueMail(parts, em, "registration", user);
  });
  return parts.hideAccountExistence ? ONE_ANSWER : `A confirmation mail is on its way to ${email}.`;
}
