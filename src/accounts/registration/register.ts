import type { Dependencies } from "../dependencies.ts";
import { knownDeviceOf } from "../model/device.ts";
import type { RequestSource } from "../model/request-source.ts";
import { User } from "../model/user.entity.ts";
import { checkApplication, checkArguments, checkNewUsername } from "../rules/argument-rules.ts";
import { ONE_ANSWER } from "../rules/one-answer.ts";
import { addAccount } from "./add-account.ts";

/**
 * Stores a pending account and enqueues its confirmation email, both or neither.
 * @param args.application whose page the link leads to
 * @param args.locale of the emails to come, as a BCP 47 tag; an unknown one falls back to English
 * @param acceptedLocales asked where no locale is given, the preferred one first
 * @returns a message that names the user
 * @throws {AccountError} BAD_USER_INPUT, WEAK_PASSWORD, SERVER_BUSY, USERNAME_TAKEN, EMAIL_TAKEN, RATE_LIMITED, CHALLENGE_REQUIRED
 */
export async function register(
  deps: Dependencies,
  args: { username: string; email: string; password: string; locale?: string; application?: string },
  acceptedLocales: readonly string[],
  source: RequestSource,
): Promise<string> {
  checkArguments({ ...args }, ["username", "email"]);
  checkNewUsername(args.username);
  checkApplication(deps.applications, args.application);
  const locale = deps.pickLocale(args.locale === undefined ? acceptedLocales : [args.locale]);
  const passwordHash = await deps.passwords.hashNew(args.password, args, source, {
    beforeAsking: () => deps.rateLimits.tryRegistration(args.email, source),
  });
  const refusal = await deps.transaction(async (em) => {
    const user = User.create({
      username: args.username,
      email: args.email,
      passwordHash,
      locale,
      confirmationExpiresAt: deps.tokens.expiry("registration"),
      registrationDevice: knownDeviceOf(source.userAgent),
      now: deps.now(),
    });
    const refusal = await addAccount(deps, em, user, source);
    const { application } = args;
    if (!refusal) await deps.outbox.enqueue(em, "registration", user, { application });
    return refusal;
  });
  if (refusal) throw refusal;
  return deps.hideAccountExistence ? ONE_ANSWER : `A confirmation email is on its way to ${args.username}.`;
}
