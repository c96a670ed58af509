import type { Dependencies } from "../dependencies.ts";
import { answerTo } from "../model/account-state.ts";
import { User } from "../model/user.entity.ts";
import { invalidToken } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { findByEmail, isBoundTo } from "../store/users.ts";

/**
 * The account that `finalizeRegistration` would activate with this token. Changes nothing.
 * @throws {AccountError} BAD_USER_INPUT, INVALID_TOKEN
 */
export async function pendingAccount(deps: Dependencies, token: string): Promise<User> {
  checkArguments({ token });
  const subject = deps.tokens.read("registration", token);
  if (!subject) throw invalidToken();
  const user = await deps.em.fork().findOne(User, { id: subject.userId });
  if (!user || !isBoundTo(subject, user)) throw invalidToken();
  if (answerTo("finalizeRegistration", user, deps.now()) !== "OK") throw invalidToken();
  // Another account may have confirmed the email address, so that this one can never be activated.
  if ((await findByEmail(deps.em, user.email))?.isActive) throw invalidToken();
  return user;
}
