import { AccountError, emailNotFound } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { foldCase } from "../rules/fold-case.ts";
import type { Dependencies, RequestSource } from "../dependencies.ts";
import { record } from "../store/audit-trail.ts";
import { User } from "../model/user.entity.ts";
import { enqueueMail, findByEmail, ONE_ANSWER } from "../store/users.ts";

/**
 * Sends a new confirmation link; older ones stay good until one is used.
 * @throws {AccountError} BAD_USER_INPUT, EMAIL_NOT_FOUND, ALREADY_ACTIVATED
 */
export async function resendRegistration(
  deps: Dependencies,
  email: string,
  source: RequestSource,
): Promise<string> {
  checkArguments({ email }, ["email"]);
  await deps.em.fork().transactional(async (em) => {
    const user = await findByEmail(em, email);
    if (!deps.hideAccountExistence) {
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
      { confirmationExpiresAt: deps.tokens.expiry("registration") },
    );
    await record(deps, em, "CONFIRMATION_REQUESTED", { user, source, actor: null });
    await enqueueMail(deps, em, "registration", user);
  });
  return deps.hideAccountExistence ? ONE_ANSWER : `A confirmation mail is on its way to ${email}.`;
}
