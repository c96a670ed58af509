import { AccountError, deactivated, emailNotFound } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import type { Dependencies, RequestSource } from "../dependencies.ts";
import { record } from "../store/audit-trail.ts";
import { enqueueMail, findByEmail, ONE_ANSWER } from "../store/users.ts";

/**
 * Mails a link that sets a new password; older ones stay good until one is used.
 * @throws {AccountError} BAD_USER_INPUT, EMAIL_NOT_FOUND, ACCOUNT_NOT_ACTIVATED, ACCOUNT_DEACTIVATED
 */
export async function requestReset(
  deps: Dependencies,
  email: string,
  source: RequestSource,
): Promise<string> {
  checkArguments({ email }, ["email"]);
  await deps.em.fork().transactional(async (em) => {
    const user = await findByEmail(em, email);
    if (!deps.hideAccountExistence) {
      if (!user) throw emailNotFound(email);
      if (user.deactivatedAt) throw deactivated("email");
      if (!user.isActive) {
        throw new AccountError(
          "ACCOUNT_NOT_ACTIVATED",
          `The account of ${email} is not activated: use the link in the confirmation mail first, or have it sent again.`,
          { field: "email" },
        );
      }
    }
    await record(deps, em, "RESET_REQUESTED", { user, source, actor: null });
    await enqueueMail(deps, em, "reset", user);
  });
  return deps.hideAccountExistence ? ONE_ANSWER : `A mail to reset the password is on its way to ${email}.`;
}
