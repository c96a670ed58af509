import type { Dependencies } from "../dependencies.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { Session } from "../model/session.entity.ts";
import type { User } from "../model/user.entity.ts";
import { AccountError } from "../rules/account-error.ts";

/**
 * Makes sure that it is still the owner who sits at the device.
 * @param owner.session null if the owner is not signed in
 * @throws {AccountError} INVALID_CREDENTIALS, SERVER_BUSY, RATE_LIMITED
 */
export async function confirmPassword(
  deps: Dependencies,
  { user, session }: { readonly user: User; readonly session: Pick<Session, "id"> | null },
  field: "password" | "currentPassword",
  password: string,
  source: RequestSource,
): Promise<void> {
  const wrong = new AccountError("INVALID_CREDENTIALS", "Incorrect password.", { field });
  if (!deps.passwords.isPossible(password)) throw wrong;
  // Counted for the session: whoever has stolen an access token can guess no more than from an unknown device.
  const device = session?.id ?? deps.deviceTokens.find(user.id, source.deviceTokens ?? []);
  const refusal = await deps.rateLimits.tryPassword(user, device, { user, source }, async () =>
    (await deps.passwords.verify(user.passwordHash, password, source)) ? null : wrong,
  );
  if (!refusal) return;
  await deps.auditTrail.record(deps.em, "PASSWORD_REFUSED", { user, source, actor: session && user });
  throw refusal;
}
