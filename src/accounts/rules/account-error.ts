// The closed list of what can go wrong for a reason the caller can act on. Anything else is a fault of ours.

/** Codes clients may rely on, with what each means; the schema's enum AccountErrorCode is made of this. */
export const ACCOUNT_ERROR_CODES = {
  USERNAME_TAKEN: "The username belongs to another account.",
  EMAIL_TAKEN: "The address belongs to an account that is active or waits for its confirmation.",
  BAD_USER_INPUT: "Arguments are malformed; extensions.fields names each with its fault.",
  WEAK_PASSWORD:
    "The password is too short, too long, too common, or the same as the username or the address.",
  INVALID_CREDENTIALS: "Unknown name or wrong password; one answer for both.",
  ACCOUNT_NOT_ACTIVATED: "The account's address is not confirmed yet; resendRegistration sends a new link.",
  EMAIL_NOT_FOUND: "No account has the address.",
  ALREADY_ACTIVATED: "The account's address is confirmed already.",
  INVALID_TOKEN:
    "The mailed token or refresh token is malformed, expired, used, dead, or of another purpose.",
  ACCOUNT_DEACTIVATED: "An administrator has deactivated the account; no link reactivates it.",
  UNAUTHENTICATED: "The Authorization header holds no good access token.",
  FORBIDDEN: "The signed-in user is no administrator.",
  NOT_FOUND: "There is nothing of this id.",
  LAST_ADMIN: "The account is that of the last administrator.",
  SERVER_BUSY: "Too many passwords wait for being hashed; try again in a moment.",
  RATE_LIMITED: "Too many tries; extensions.retryAfterSeconds says when the next may succeed.",
} as const;

export type AccountErrorCode = keyof typeof ACCOUNT_ERROR_CODES;

/** A malformed argument and what is wrong with it. */
export interface FieldFault {
  readonly field: string;
  readonly message: string;
}

/** A refusal. The message is for people; `field` names the argument at fault; nothing has been changed. */
export class AccountError extends Error {
  readonly code: AccountErrorCode;
  readonly field: string | undefined;
  readonly fields: readonly FieldFault[] | undefined;

  constructor(
    code: AccountErrorCode,
    message: string,
    at: { field?: string; fields?: readonly FieldFault[] } = {},
  ) {
    super(message);
    this.name = "AccountError";
    this.code = code;
    this.field = at.field ?? at.fields?.[0]?.field;
    this.fields = at.fields;
  }
}

/** For every mailed link that is good no longer, whatever the reason. */
export function invalidToken(): AccountError {
  return new AccountError(
    "INVALID_TOKEN",
    "The link is not valid: it has expired, was used already, or a newer one was used. Ask for a new one.",
    { field: "token" },
  );
}

export function unauthenticated(): AccountError {
  return new AccountError(
    "UNAUTHENTICATED",
    "The Authorization header holds no good access token: log in again.",
  );
}

export function emailNotFound(email: string): AccountError {
  return new AccountError("EMAIL_NOT_FOUND", `No account has the address ${email}.`, { field: "email" });
}

export function usernameTaken(username: string): AccountError {
  return new AccountError("USERNAME_TAKEN", `The username ${username} is taken: choose another.`, {
    field: "username",
  });
}

export function deactivated(field: string): AccountError {
  return new AccountError(
    "ACCOUNT_DEACTIVATED",
    "The account has been deactivated by an administrator: only they can reactivate it.",
    { field },
  );
}

/** @param id of a user or a session */
export function notFound(id: string, field = "id"): AccountError {
  return new AccountError("NOT_FOUND", `There is nothing of the id ${id.slice(0, 40)}.`, { field });
}

/** One answer, whether the user or the password is at fault. */
export function invalidCredentials(): AccountError {
  return new AccountError("INVALID_CREDENTIALS", "Unknown user or wrong password.");
}

export function emailInUse(email: string, field: "newEmail" | "token"): AccountError {
  return new AccountError("EMAIL_TAKEN", `An account with the email address ${email} already exists.`, { field });
}
