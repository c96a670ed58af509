import type { Dependencies } from "../dependencies.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { SignIn } from "../model/sign-in.ts";
import { User } from "../model/user.entity.ts";
import { invalidToken } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { lockLinkOwner, unlessTaken } from "../store/locks.ts";

/**
 * Activates the account that the mailed token belongs to and signs its owner in.
 * @throws {AccountError} BAD_USER_INPUT, INVALID_TOKEN
 */
export async function finalizeRegistration(
  deps: Dependencies,
  token: string,
  source: RequestSource,
): Promise<SignIn> {
  checkArguments({ token });
  const subject = deps.tokens.read("registration", token);
  if (!subject) throw invalidToken();
  return deps.transaction(async (em) => {
    const user = await lockLinkOwner(em, subject, "finalizeRegistration", deps.now);
    // Another account has already confirmed this email address, so this pending one can never be activated.
    if ((await em.count(User, { emailKey: user.emailKey, isActive: true })) > 0) throw invalidToken();
    user.activate(deps.now());
    await unlessTaken(em.flush(), invalidToken()); // another account confirmed it since the count
    return deps.sessions.open(em, user, "ACTIVATED", source);
  });
}
