import type { Dependencies } from "../dependencies.ts";
import { answerTo, isAbandoned, type AnswerTo } from "../model/account-state.ts";
import type { RequestSource } from "../model/request-source.ts";
import { AccountError, deactivated, emailNotFound } from "../rules/account-error.ts";
import { checkApplication, checkArguments } from "../rules/argument-rules.ts";
import { ONE_ANSWER } from "../rules/one-answer.ts";
import { extendConfirmationOf, findByEmail } from "../store/users.ts";

/**
 * Sends a new confirmation link; older ones stay good until one is used.
 * @param args.application whose page the link leads to
 * @throws {AccountError} BAD_USER_INPUT, EMAIL_NOT_FOUND, ALREADY_ACTIVATED, ACCOUNT_DEACTIVATED, RATE_LIMITED
 */
export async function resendRegistration(
  deps: Dependencies,
  args: { email: string; application?: string },
  source: RequestSource,
): Promise<string> {
  checkArguments({ ...args }, ["email"]);
  checkApplication(deps.applications, args.application);
  const { email, application } = args;
  await deps.rateLimits.tryMail(email, source);
  await deps.transaction(async (em) => {
    const user = await findByEmail(em, email);
    if (!deps.hideAccountExistence) {
      if (!user) throw emailNotFound(email);
      const answer = answerTo("resendRegistration", user, deps.now());
      if (answer !== "OK") throw refusal(answer, email);
      if (isAbandoned(user, deps.now())) throw abandoned(email);
    }
    await extendConfirmationOf(em, email, deps.tokens.expiry("registration"));
    await deps.auditTrail.record(em, "CONFIRMATION_REQUESTED", { user, source, actor: null });
    await deps.outbox.enqueue(em, "registration", user, { application });
  });
  return deps.hideAccountExistence ? ONE_ANSWER : `A confirmation email is on its way to ${email}.`;
}

function refusal(answer: Exclude<AnswerTo<"resendRegistration">, "OK">, email: string): AccountError {
  switch (answer) {
    case "ACCOUNT_DEACTIVATED":
      return deactivated("email");
    case "ALREADY_ACTIVATED":
      return new AccountError(answer, `${email} is already confirmed. Log in instead.`, { field: "email" });
  }
}

/** As if the daily job had removed the account already. */
function abandoned(email: string): AccountError {
  return new AccountError(
    "EMAIL_NOT_FOUND",
    `The registration of ${email} was not confirmed in time. Register again.`,
    { field: "email" },
  );
}
