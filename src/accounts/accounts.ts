// The one door to accounts: every use case, each in a file of its own that says what it does and what it refuses. Each is
// done whole or refused with an AccountError; no transaction or connection is held while a password is hashed.
import type { AccountsParts } from "./parts.ts";
import {
  deactivateUser,
  endUserSessions,
  reactivateUser,
  setUserRoles,
} from "./use-cases/administer-users.ts";
import { authenticate } from "./use-cases/authenticate.ts";
import { finalizeEmailChange, requestEmailChange } from "./use-cases/change-email.ts";
import { changePassword } from "./use-cases/change-password.ts";
import { changeUsername } from "./use-cases/change-username.ts";
import { cleanUp } from "./use-cases/clean-up.ts";
import { createAdmin } from "./use-cases/create-admin.ts";
import { deleteAccount } from "./use-cases/delete-account.ts";
import { exportAccount } from "./use-cases/export-account.ts";
import { finalizeRegistration } from "./use-cases/finalize-registration.ts";
import { finalizeReset } from "./use-cases/finalize-reset.ts";
import { importUsers } from "./use-cases/import-users.ts";
import { accountEvents } from "./use-cases/list-events.ts";
import { user, userByName, users } from "./use-cases/list-users.ts";
import { login } from "./use-cases/login.ts";
import { logout, logoutEverywhere, revokeSession, sessions } from "./use-cases/manage-sessions.ts";
import { refreshSession } from "./use-cases/refresh-session.ts";
import { register } from "./use-cases/register.ts";
import { requestReset } from "./use-cases/request-reset.ts";
import { resendRegistration } from "./use-cases/resend-registration.ts";

const USE_CASES = {
  // Becoming a user, and getting back in.
  register,
  finalizeRegistration,
  resendRegistration,
  login,
  requestReset,
  finalizeReset,
  // Sessions.
  authenticate,
  refreshSession,
  sessions,
  logout,
  logoutEverywhere,
  revokeSession,
  // What a user changes.
  changePassword,
  requestEmailChange,
  finalizeEmailChange,
  changeUsername,
  deleteAccount,
  exportAccount,
  // What an administrator does and sees.
  users,
  user,
  setUserRoles,
  deactivateUser,
  reactivateUser,
  endUserSessions,
  accountEvents,
  // What the operator does besides.
  userByName,
  createAdmin,
  importUsers,
  // What happens by itself.
  cleanUp,
};

type Bound<UseCase> = UseCase extends (parts: AccountsParts, ...args: infer Args) => infer Result
  ? (...args: Args) => Result
  : never;
/** The use cases, with the parts that they work with; one instance serves all requests. */
export type Accounts = { readonly [Name in keyof typeof USE_CASES]: Bound<(typeof USE_CASES)[Name]> };

export function createAccounts(parts: AccountsParts): Accounts {
  const bound = Object.entries(USE_CASES).map(([name, useCase]) => [
    name,
    (useCase as (...args: unknown[]) => unknown).bind(null, parts),
  ]);
  return Object.fromEntries(bound) as Accounts;
}
