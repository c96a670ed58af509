import type { Dependencies } from "../dependencies.ts";
import { answerTo } from "../model/account-state.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { SignIn } from "../model/sign-in.ts";
import { User } from "../model/user.entity.ts";
import { invalidToken } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { lockLinkOwner } from "../store/locks.ts";
import { isBoundTo, replacePasswordHash } from "../store/users.ts";

/**
 * Sets a new password, ends every older session and link, tells the owner by mail, signs in, and takes back a deletion.
 * @throws {AccountError} BAD_USER_INPUT, INVALID_TOKEN, WEAK_PASSWORD, SERVER_BUSY
 */
export async function finalizeReset(
  deps: Dependencies,
  token: string,
  password: string,
  source: RequestSource,
): Promise<SignIn> {
  checkArguments({ token, password });
  const subject = deps.tokens.read("reset", token);
  if (!subject) throw invalidToken();
  // A dead link is refused before its password is hashed; the lock below decides.
  const owner = await deps.em.fork().findOne(User, { id: subject.userId });
  if (!owner || !isBoundTo(subject, owner)) throw invalidToken();
  if (answerTo("finalizeReset", owner, deps.now()) === "INVALID_TOKEN") throw invalidToken();
  const passwordHash = await deps.passwords.hashNew(password, owner, source);
  return deps.transaction(async (em) => {
    const user = await lockLinkOwner(em, subject, "finalizeReset", deps.now);
    await replacePasswordHash(em, user, passwordHash);
    user.endOlderTokens(deps.now());
    await deps.sessions.endAll(em, user);
    if (user.eraseAt) {
      user.eraseAt = null;
      await deps.auditTrail.record(em, "RESTORED", { user, source, actor: user });
    }
    await deps.outbox.enqueue(em, "password-changed", user);
    return deps.sessions.open(em, user, "PASSWORD_RESET", source);
  });
}
