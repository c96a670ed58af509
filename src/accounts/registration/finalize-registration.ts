import { invalidToken } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import type { Dependencies, RequestSource } from "../dependencies.ts";
import { openSession, type SignIn } from "../store/sessions.ts";
import { User } from "../model/user.entity.ts";
import { lockOwner, readMailedToken, unlessTaken } from "../store/users.ts";

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
  const subject = readMailedToken(deps, "registration", token);
  return deps.em.fork().transactional(async (em) => {
    const user = await lockOwner(em, subject, false);
    // In the row that no link can activate: another account has confirmed the address.
    if ((await em.count(User, { emailKey: user.emailKey, isActive: true })) > 0) throw invalidToken();
    user.activate(deps.now());
    await unlessTaken(em.flush(), invalidToken()); // another account took the address a moment ago
    return openSession(deps, em, user, "ACTIVATED", source);
  });
}
