import { checkArguments } from "../rules/argument-rules.ts";
import type { AccountsParts, Origin } from "../dependencies.ts";
import { Role, User } from "../model/user.entity.ts";
import { addAccount } from "./register.ts";

/**
 * Adds an administrator who is active at once: the operator vouches for the address.
 * @throws {AccountError} BAD_USER_INPUT, WEAK_PASSWORD, SERVER_BUSY, USERNAME_TAKEN, EMAIL_TAKEN
 */
export async function createAdmin(
  parts: AccountsParts,
  args: { username: string; email: string; password: string },
  origin: Origin,
): Promise<User> {
  checkArguments({ ...args }, ["username", "email"]);
  parts.passwords.checkStrength(args.password, args);
  const user = User.create({
    username: args.username,
    email: args.email,
    passwordHash: await parts.passwords.hash(args.password),
    locale: parts.pickLocale([]),
    roles: [Role.USER, Role.ADMIN],
    confirmationExpiresAt: null,
    now: parts.now(),
  });
  return parts.em.fork().transactional(async (em) => {
    await addAccount(parts, em, user, origin);
    return user;
  });
}
