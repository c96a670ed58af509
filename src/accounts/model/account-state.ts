// The states of an account, and what each operation answers in each of them. docs/accounts.md shows the same table; a test
// tries every operation in every state.
import type { AccountErrorCode } from "../rules/account-error.ts";
import { daysAfter } from "./days.ts";
import type { User } from "./user.entity.ts";

/** The states, with what each means. */
export const ACCOUNT_STATES = {
  pending: "Registered. The confirmation link has not been used yet.",
  expired:
    "The confirmation link expired without being used. Another registration may take the account's place.",
  active: "The email address is confirmed, and the owner can log in.",
  deactivated: "An administrator has locked the account.",
  deleted: "The owner has deleted the account and can still restore it.",
  erased: "The account can no longer be restored. The daily job removes the row.",
} as const;

export type AccountState = keyof typeof ACCOUNT_STATES;

/** The columns that the state is made of. */
export type StateColumns = Pick<User, "isActive" | "confirmationExpiresAt" | "deactivatedAt" | "eraseAt">;

/** The first that applies wins. */
export function stateOf(user: StateColumns, now: Date): AccountState {
  if (user.eraseAt && user.eraseAt <= now) return "erased";
  if (user.deactivatedAt) return "deactivated";
  if (user.eraseAt) return "deleted";
  if (user.isActive) return "active";
  return isLapsed(user, now) ? "expired" : "pending";
}

/**
 * Whether the account was never confirmed and its link has expired, so that another registration may take its place. A
 * deactivated account gives way like that, too.
 */
export function isLapsed({ isActive, confirmationExpiresAt }: StateColumns, now: Date): boolean {
  return !isActive && !!confirmationExpiresAt && confirmationExpiresAt <= now;
}

/** For how long an account can be confirmed, so that nobody keeps a username or an email address without confirming it. */
export const CONFIRMABLE_DAYS = 7;

/** How long logging in restores a deleted account, before it is erased. */
export const RESTORABLE_DAYS = 30;

/**
 * Whether no link will confirm the account any more: it has expired, and the time for new links is over. It began with the
 * registration, and begins anew with what an administrator does to the account.
 */
export function isAbandoned(user: StateColumns & Pick<User, "updatedAt">, now: Date): boolean {
  return isLapsed(user, now) && daysAfter(user.updatedAt, CONFIRMABLE_DAYS) <= now;
}

/** Query filter for accounts that `isLapsed`. */
export const whereLapsed = (now: Date) => ({ isActive: false, confirmationExpiresAt: { $lte: now } });

/** Query filter for accounts in the state `active`. */
export const WHERE_ACTIVE = { isActive: true, deactivatedAt: null, eraseAt: null } as const;

/** Either what a client is refused with, or "OK", or "RESTORED" where a deletion is taken back on the way. */
export type Answer = AccountErrorCode | "OK" | "RESTORED";

/**
 * What each operation answers, by the state of the account that it is about. The link itself is assumed to be valid; its expiry is
 * checked separately. HIDE_ACCOUNT_EXISTENCE hides the answers that reveal whether an account exists (docs/security.md).
 */
export const ANSWERS = {
  /** By the email address; a username that is in use answers USERNAME_TAKEN in the same states. */
  register: {
    pending: "EMAIL_TAKEN",
    expired: "OK",
    active: "EMAIL_TAKEN",
    deactivated: "EMAIL_TAKEN",
    deleted: "EMAIL_TAKEN",
    erased: "EMAIL_TAKEN",
  },
  /** Also `pendingAccount`, which shows what it would activate. */
  finalizeRegistration: {
    pending: "OK",
    expired: "INVALID_TOKEN",
    active: "INVALID_TOKEN",
    deactivated: "INVALID_TOKEN",
    deleted: "INVALID_TOKEN",
    erased: "INVALID_TOKEN",
  },
  resendRegistration: {
    pending: "OK",
    expired: "OK",
    active: "ALREADY_ACTIVATED",
    deactivated: "ACCOUNT_DEACTIVATED",
    deleted: "ALREADY_ACTIVATED",
    erased: "ALREADY_ACTIVATED",
  },
  /** With the right password; a wrong one answers INVALID_CREDENTIALS in every state. */
  login: {
    pending: "ACCOUNT_NOT_ACTIVATED",
    expired: "ACCOUNT_NOT_ACTIVATED",
    active: "OK",
    deactivated: "ACCOUNT_DEACTIVATED",
    deleted: "RESTORED",
    erased: "INVALID_CREDENTIALS",
  },
  requestReset: {
    pending: "ACCOUNT_NOT_ACTIVATED",
    expired: "ACCOUNT_NOT_ACTIVATED",
    active: "OK",
    deactivated: "ACCOUNT_DEACTIVATED",
    deleted: "OK",
    erased: "EMAIL_NOT_FOUND",
  },
  finalizeReset: {
    pending: "INVALID_TOKEN",
    expired: "INVALID_TOKEN",
    active: "OK",
    deactivated: "INVALID_TOKEN",
    deleted: "RESTORED",
    erased: "INVALID_TOKEN",
  },
  /** With the link that went to the new email address. */
  finalizeEmailChange: {
    pending: "INVALID_TOKEN",
    expired: "INVALID_TOKEN",
    active: "OK",
    deactivated: "INVALID_TOKEN",
    deleted: "INVALID_TOKEN",
    erased: "INVALID_TOKEN",
  },
  /** With the link that went to the old email address. */
  undoEmailChange: {
    pending: "INVALID_TOKEN",
    expired: "INVALID_TOKEN",
    active: "OK",
    deactivated: "INVALID_TOKEN",
    deleted: "RESTORED",
    erased: "INVALID_TOKEN",
  },
  refreshSession: {
    pending: "INVALID_TOKEN",
    expired: "INVALID_TOKEN",
    active: "OK",
    deactivated: "INVALID_TOKEN",
    deleted: "INVALID_TOKEN",
    erased: "INVALID_TOKEN",
  },
  /** Everything that needs an access token, `me` included. */
  authenticate: {
    pending: "UNAUTHENTICATED",
    expired: "UNAUTHENTICATED",
    active: "OK",
    deactivated: "UNAUTHENTICATED",
    deleted: "UNAUTHENTICATED",
    erased: "UNAUTHENTICATED",
  },
  /** What administrators do to a user: setUserRoles, deactivateUser, reactivateUser, endUserSessions. */
  administer: {
    pending: "OK",
    expired: "OK",
    active: "OK",
    deactivated: "OK",
    deleted: "OK",
    erased: "OK",
  },
} as const satisfies Record<string, Record<AccountState, Answer>>;

export type Operation = keyof typeof ANSWERS;

/** The answers that an operation can give. */
export type AnswerTo<Name extends Operation> = (typeof ANSWERS)[Name][AccountState];

export function answerTo<Name extends Operation>(
  operation: Name,
  user: StateColumns,
  now: Date,
): AnswerTo<Name> {
  return ANSWERS[operation][stateOf(user, now)] as AnswerTo<Name>;
}
