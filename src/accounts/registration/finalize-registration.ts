import type { Dependencies } from "../dependencies.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { SignIn } from "../model/sign-in.ts";
import { User } from "../model/user.entity.ts";
import { AccountError, invalidToken } from "../rules/account-error.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { lockLinkOwner, unlessTaken } from "../store/locks.ts";
import { replacePasswordHash } from "../store/users.ts";
import { pendingAccount } from "./pending-account.ts";

/**
 * Activates the account that the mailed token belongs to and signs its owner in.
 * @param password replaces the one that was given at registration; null leaves that one, unless the account is contested
 * @throws {AccountError} BAD_USER_INPUT, INVALID_TOKEN, PASSWORD_REQUIRED, WEAK_PASSWORD, SERVER_BUSY
 */
export async function finalizeRegistration(
  deps: Dependencies,
  token: string,
  password: string | null,
  source: RequestSource,
): Promise<SignIn> {
  checkArguments({ token, ...(password !== null && { password }) });
  const subject = deps.tokens.read("registration", token);
  if (!subject) throw invalidToken();
  const passwordHash = password === null ? null : await hashNew(deps, token, password, source);
  return deps.transaction(async (em) => {
    const user = await lockLinkOwner(em, subject, "finalizeRegistration", deps.now);
    // Another account has already confirmed this email address, so this pending one can never be activated.
    if ((await em.count(User, { emailKey: user.emailKey, isActive: true })) > 0) throw invalidToken();
    if (passwordHash !== null) await replacePasswordHash(em, user, passwordHash);
    else if (user.isContested) throw passwordRequired();
    user.activate(deps.now());
    await unlessTaken(em.flush(), invalidToken()); // another account confirmed it since the count
    return deps.sessions.open(em, user, "ACTIVATED", source);
  });
}

/** A dead link is refused before its password is hashed. */
async function hashNew(
  deps: Dependencies,
  token: string,
  password: string,
  source: RequestSource,
): Promise<string> {
  return deps.passwords.hashNew(password, await pendingAccount(deps, token), source);
}

function passwordRequired(): AccountError {
  return new AccountError(
    "PASSWORD_REQUIRED",
    "Somebody else may have registered this email address, too. Choose the account's password: pass it to finalizeRegistration with the token.",
    { field: "password" },
  );
}
