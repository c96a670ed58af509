import type { Dependencies } from "../dependencies.ts";
import { answerTo } from "../model/account-state.ts";
import type { RequestSource } from "../model/request-source.ts";
import { User } from "../model/user.entity.ts";
import { AccountError, emailNotFound } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { foldCase } from "../rules/fold-case.ts";
import { ONE_ANSWER } from "../rules/one-answer.ts";
import { findByEmail } from "../store/users.ts";

/**
 * Sends a new confirmation link; older ones stay good until one is used.
 * @throws {AccountError} BAD_USER_INPUT, EMAIL_NOT_FOUND, ALREADY_ACTIVATED, RATE_LIMITED
 */
export async function resendRegistration(
  deps: Dependencies,
  email: string,
  source: RequestSource,
): Promise<string> {
  checkArguments({ email }, ["email"]);
  await deps.rateLimits.tryMail(email, source);
  await deps.transaction(async (em) => {
    const user = await findByEmail(em, email);
    if (!deps.hideAccountExistence) {
      if (!user) throw emailNotFound(email);
      const answer = answerTo("resendRegistration", user, deps.now());
      if (answer !== "OK" && user.isActive)
        throw new AccountError(answer, `${email} is already confirmed. Log in instead.`, {
          field: "email",
        });
    }
    await em.nativeUpdate(
      User,
      { emailKey: foldCase(email), isActive: false },
      { confirmationExpiresAt: deps.tokens.expiry("registration") },
    );
    await deps.auditTrail.record(em, "CONFIRMATION_REQUESTED", { user, source, actor: null });
    await deps.outbox.enqueue(em, "registration", user);
  });
  return deps.hideAccountExistence ? ONE_ANSWER : `A confirmation email is on its way to ${email}.`;
}
