// The closed list of errors that a caller can act on. Any other error is a fault of the server.

/** The error codes that clients rely on and their descriptions in the schema's enum AccountErrorCode. */
export const ACCOUNT_ERROR_CODES = {
  USERNAME_TAKEN: "Another account has this username.",
  EMAIL_TAKEN: "Another account, active or waiting for confirmation, has this email address.",
  BAD_USER_INPUT: "One or more arguments are malformed. `extensions.fields` lists each with what is wrong.",
  WEAK_PASSWORD:
    "The password is too short, too long, or easy to guess: common, breached, a run, a repeat, a date, or a name of the product or the user.",
  INVALID_CREDENTIALS: "The user is unknown or the password is wrong. Login does not say which.",
  PASSWORD_REQUIRED: "The request needs the account's password.",
  ACCOUNT_NOT_ACTIVATED:
    "The account's email address is not confirmed yet. `resendRegistration` sends another link.",
  EMAIL_NOT_FOUND: "No account has this email address.",
  ALREADY_ACTIVATED: "The account's email address is already confirmed.",
  INVALID_TOKEN: "The token is malformed, expired, already used, revoked, or meant for another operation.",
  ACCOUNT_DEACTIVATED: "An administrator has deactivated the account. No link reactivates it.",
  UNAUTHENTICATED: "The Authorization header has no valid access token.",
  FORBIDDEN: "The current user is not an administrator.",
  NOT_FOUND: "No user, session or email has this ID, or the email can no longer be retried or discarded.",
  LAST_ADMIN: "The operation would leave the server without an administrator.",
  SERVER_BUSY:
    "Too many passwords are waiting to be hashed, or an export is under way. Try again in a moment.",
  RATE_LIMITED:
    "Too many attempts. `extensions.retryAfterSeconds` and the header Retry-After say how many seconds to wait.",
  SERVICE_UNAVAILABLE:
    "The database does not answer. Try again after `extensions.retryAfterSeconds`. Any field can raise it. What was asked has not " +
    "been done, unless the connection was lost in the moment of its completion.",
  CHALLENGE_REQUIRED:
    "Solve the challenge in `extensions.challenge` and send the operation again with the argument `challengeSolution`.",
} as const;

export type AccountErrorCode = keyof typeof ACCOUNT_ERROR_CODES;

/** A malformed argument and how to correct it. */
export interface FieldFault {
  readonly field: string;
  readonly message: string;
}

/** A refused operation, which has changed nothing. The message is for people; `field` names the wrong argument. */
export class AccountError extends Error {
  readonly code: AccountErrorCode;
  readonly field: string | undefined;
  readonly fields: readonly FieldFault[] | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly challenge: object | undefined;

  constructor(
    code: AccountErrorCode,
    message: string,
    at: {
      field?: string;
      fields?: readonly FieldFault[];
      retryAfterSeconds?: number;
      /** For the client to solve, as JSON. */
      challenge?: object;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: at.cause });
    this.name = "AccountError";
    this.code = code;
    this.field = at.field ?? at.fields?.[0]?.field;
    this.fields = at.fields;
    this.retryAfterSeconds = at.retryAfterSeconds;
    this.challenge = at.challenge;
  }
}

/** The same message for every link that does not work, whatever the reason. */
export function invalidToken(): AccountError {
  return new AccountError(
    "INVALID_TOKEN",
    "The link is not valid: it has expired, was already used, or a newer one was used. Request a new link.",
    { field: "token" },
  );
}

export function unauthenticated(): AccountError {
  return new AccountError(
    "UNAUTHENTICATED",
    "The Authorization header has no valid access token. Refresh the session or log in again.",
  );
}

export function forbidden(): AccountError {
  return new AccountError("FORBIDDEN", "Only an administrator may do this.");
}

export function emailNotFound(email: string): AccountError {
  return new AccountError(
    "EMAIL_NOT_FOUND",
    `No account has the email address ${email}. Check it for typing errors.`,
    { field: "email" },
  );
}

export function usernameTaken(username: string): AccountError {
  return new AccountError("USERNAME_TAKEN", `The username ${username} is taken. Choose another.`, {
    field: "username",
  });
}

export function deactivated(field: string): AccountError {
  return new AccountError(
    "ACCOUNT_DEACTIVATED",
    "An administrator has deactivated this account. Only an administrator can reactivate it.",
    { field },
  );
}

/** @param id the ID of a user or a session */
export function notFound(id: string, field = "id"): AccountError {
  return new AccountError("NOT_FOUND", `No user or session has the ID "${id.slice(0, 40)}".`, { field });
}

/** @param cause which no client sees */
export function serviceUnavailable(cause: unknown): AccountError {
  return new AccountError(
    "SERVICE_UNAVAILABLE",
    "The service is not available at the moment. Try again in a few seconds.",
    { retryAfterSeconds: 5, cause },
  );
}

export function serverBusy(): AccountError {
  return new AccountError("SERVER_BUSY", "The server is busy. Try again in a moment.");
}

/** The same message whether the user or the password is wrong. */
export function invalidCredentials(): AccountError {
  return new AccountError("INVALID_CREDENTIALS", "Unknown user or wrong password.");
}

export function emailInUse(email: string, field: "newEmail" | "token"): AccountError {
  return new AccountError("EMAIL_TAKEN", `An account with the email address ${email} already exists.`, {
    field,
  });
}
