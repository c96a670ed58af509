import type { Dependencies } from "../dependencies.ts";
import type { RequestSource } from "../model/request-source.ts";
import type { User } from "../model/user.entity.ts";
import { AccountError } from "../rules/account-error.ts";

/**
 * Makes sure that it is still the owner who sits at the device.
 * @throws {AccountError} INVALID_CREDENTIALS, SERVER_BUSY
 */
export async function confirmPassword(
  deps: Dependencies,
  viewer: User,
  field: "password" | "currentPassword",
  password: string,
  source: RequestSource,
): Promise<void> {
  if (deps.passwords.isPossible(password)) {
    if (await deps.passwords.verify(viewer.passwordHash, password)) return;
    await deps.auditTrail.record(deps.em, "PASSWORD_REFUSED", { user: viewer, source, actor: viewer });
  }
  throw new AccountError("INVALID_CREDENTIALS", "Incorrect password.", { field });
}
