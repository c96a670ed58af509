import type { Dependencies } from "../dependencies.ts";
import type { RequestSource } from "../model/request-source.ts";
import { Role, User } from "../model/user.entity.ts";
import { checkArguments } from "../rules/argument-rules.ts";
import { addAccount } from "./add-account.ts";

/**
 * Adds an administrator who is active at once: the operator vouches for the email address.
 * @throws {AccountError} BAD_USER_INPUT, WEAK_PASSWORD, SERVER_BUSY, USERNAME_TAKEN, EMAIL_TAKEN
 */
export async function createAdmin(
  deps: Dependencies,
  args: { username: string; email: string; password: string },
  source: RequestSource,
): Promise<User> {
  checkArguments({ ...args }, ["username", "email"]);
  const user = User.create({
    username: args.username,
    email: args.email,
    passwordHash: await deps.passwords.hashNew(args.password, args, source),
    locale: deps.pickLocale([]),
    roles: [Role.USER, Role.ADMIN],
    confirmationExpiresAt: null,
    now: deps.now(),
  });
  const refusal = await deps.transaction((em) => addAccount(deps, em, user, source));
  if (refusal) throw refusal;
  return user;
}
