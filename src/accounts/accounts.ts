// The one door to accounts: every use case, each in a file of its own that says what it does and what it refuses. Each is
// done whole or refused with an AccountError; no transaction or connection is held while a password is hashed.
import type { Dependencies } from "./dependencies.ts";
import {
  deactivateUser,
  endUserSessions,
  reactivateUser,
  setUserRoles,
} from "./administration/administer-users.ts";
import { authenticate } from "./sign-in/authenticate.ts";
import { finalizeEmailChange, requestEmailChange } from "./email-address/change-email.ts";
import { changePassword } from "./password/change-password.ts";
import { changeUsername } from "./own-account/change-username.ts";
import { cleanUp } from "./administration/clean-up.ts";
import { createAdmin } from "./registration/create-admin.ts";
import { deleteAccount } from "./own-account/delete-account.ts";
import { exportAccount } from "./own-account/export-account.ts";
import { finalizeRegistration } from "./registration/finalize-registration.ts";
import { finalizeReset } from "./password/finalize-reset.ts";
import { importUsers } from "./administration/import-users.ts";
import { accountEvents } from "./administration/account-events.ts";
import { user, userByName, users } from "./administration/list-users.ts";
import { login } from "./sign-in/login.ts";
import { logout, logoutEverywhere, revokeSession, sessions } from "./sessions/manage-sessions.ts";
import { refreshSession } from "./sessions/refresh-session.ts";
import { register } from "./registration/register.ts";
import { requestReset } from "./password/request-reset.ts";
import { resendRegistration } from "./registration/resend-registration.ts";

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

type Bound<UseCase> = UseCase extends (deps: Dependencies, ...args: infer Args) => infer Result
  ? (...args: Args) => Result
  : never;
/** The use cases, with the deps that they work with; one instance serves all requests. */
export type Accounts = { readonly [Name in keyof typeof USE_CASES]: Bound<(typeof USE_CASES)[Name]> };

export function createAccounts(deps: Dependencies): Accounts {
  const bound = Object.entries(USE_CASES).map(([name, useCase]) => [
    name,
    (useCase as (...args: unknown[]) => unknown).bind(null, deps),
  ]);
  return Object.fromEntries(bound) as Accounts;
}
