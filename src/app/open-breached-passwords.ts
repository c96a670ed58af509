// What knows breached passwords: nothing by default.
import { BreachedPasswords } from "../accounts/hashing/breached-passwords.ts";
import { PasswordFilter } from "../accounts/hashing/password-filter.ts";
import type { Config } from "../config/config.ts";
import type { Logger } from "../log.ts";

/**
 * @param opened receives everything that has to be closed
 * @throws {Error} if the filter cannot be used
 */
export async function openBreachedPasswords(
  { passwordFilter, passwordRangeUrl }: Config,
  log: Logger,
  opened: AsyncDisposableStack,
): Promise<BreachedPasswords> {
  const filter = passwordFilter === null ? null : await PasswordFilter.open(passwordFilter);
  opened.defer(() => filter?.close());
  return new BreachedPasswords({ filter, rangeUrl: passwordRangeUrl, log });
}
