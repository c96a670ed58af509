import type { Dependencies } from "../dependencies.ts";
import { answerTo, type AnswerTo } from "../model/account-state.ts";
import type { RequestSource } from "../model/request-source.ts";
import { AccountError, deactivated, emailNotFound } from "../rules/account-error.ts";
import { checkApplication, checkArguments } from "../rules/argument-rules.ts";
import { ONE_ANSWER } from "../rules/one-answer.ts";
import { findByEmail } from "../store/users.ts";

/**
 * Mails a link that sets a new password; older ones stay good until one is used.
 * @param args.application whose page the link leads to
 * @throws {AccountError} BAD_USER_INPUT, EMAIL_NOT_FOUND, ACCOUNT_NOT_ACTIVATED, ACCOUNT_DEACTIVATED, RATE_LIMITED, CHALLENGE_REQUIRED
 */
export async function requestReset(
  deps: Dependencies,
  args: { email: string; application?: string },
  source: RequestSource,
): Promise<string> {
  checkArguments({ ...args }, ["email"]);
  checkApplication(deps.applications, args.application);
  const { email, application } = args;
  await deps.rateLimits.tryMail(email, source, "reset");
  await deps.transaction(async (em) => {
    const user = await findByEmail(em, email);
    const answer = user ? answerTo("requestReset", user, deps.now()) : "EMAIL_NOT_FOUND";
    if (!deps.hideAccountExistence && answer !== "OK") throw refusal(answer, email);
    await deps.auditTrail.record(em, "RESET_REQUESTED", { user, source, actor: null });
    await deps.outbox.enqueue(em, "reset", user, { application });
  });
  return deps.hideAccountExistence ? ONE_ANSWER : `A password reset email is on its way to ${email}.`;
}

function refusal(answer: Exclude<AnswerTo<"requestReset">, "OK">, email: string): AccountError {
  switch (answer) {
    case "EMAIL_NOT_FOUND":
      return emailNotFound(email);
    case "ACCOUNT_DEACTIVATED":
      return deactivated("email");
    case "ACCOUNT_NOT_ACTIVATED":
      return new AccountError(
        answer,
        `${email} is not confirmed yet. Open the link in the confirmation email first, or request a new one with resendRegistration.`,
        { field: "email" },
      );
  }
}
