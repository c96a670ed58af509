// What happened to an account (its audit trail), newest first.
import type { TypedDocumentNode } from "urql";

import { timeInWords } from "./format.ts";
import type { AccountEventType } from "./operations.ts";
import { PagedList, type ConnectionOf } from "./paged-list.tsx";

interface AccountEvent {
  readonly id: string;
  readonly type: AccountEventType;
  readonly occurredAt: string;
  readonly count: number;
  readonly lastOccurredAt: string;
  readonly address: string | null;
  readonly device: string | null;
  readonly actor: string;
}

/** Who acted, where it was not the user. */
const ACTORS: Readonly<Partial<Record<string, string>>> = {
  ADMIN: "by an administrator",
  OPERATOR: "by an operator",
};

const EVENTS: Readonly<Record<AccountEventType, string>> = {
  REGISTERED: "Account created",
  CONFIRMATION_REQUESTED: "Confirmation link requested",
  ACTIVATED: "Email address confirmed",
  LOGGED_IN: "Logged in",
  LOGIN_FAILED: "Failed login attempt",
  PASSWORD_REFUSED: "Incorrect password entered",
  PASSWORD_CONFIRMED: "Password confirmed",
  LOGGED_OUT: "Logged out",
  SESSION_REVOKED: "Device logged out",
  SESSIONS_ENDED: "Logged out on all devices",
  REFRESH_TOKEN_REUSED: "Device logged out: suspicious activity",
  RESET_REQUESTED: "Password reset requested",
  PASSWORD_RESET: "Password reset",
  PASSWORD_CHANGED: "Password changed",
  EMAIL_CHANGE_REQUESTED: "Email address change requested",
  EMAIL_CHANGED: "Email address changed",
  EMAIL_CHANGE_UNDONE: "Email address change undone",
  EMAIL_CHANGE_UNDO_ENDING: "Email address change made final",
  USERNAME_CHANGED: "Username changed",
  EXPORTED: "Data exported",
  DELETION_REQUESTED: "Account deleted",
  RESTORED: "Account restored",
  ROLES_CHANGED: "Roles changed",
  DEACTIVATED: "Account deactivated",
  REACTIVATED: "Account reactivated",
  RATE_LIMITED: "Too many attempts, refused",
  IMPORTED: "Account imported",
  EMAIL_RETRIED: "Unsent email retried",
  EMAIL_DISCARDED: "Unsent email discarded",
  RESTORED_FROM_BACKUP: "Restored from a backup, logged out on all devices",
};

export function Events<Data, Variables extends object>(props: {
  readonly query: TypedDocumentNode<Data, Variables & { after?: string | null }>;
  readonly variables: Variables;
  readonly connection: (data: Data) => ConnectionOf<AccountEvent>;
}) {
  return (
    <PagedList
      {...props}
      row={({ type, occurredAt, count, lastOccurredAt, address, device, actor }) => (
        <>
          <strong>
            {EVENTS[type]}
            {count > 1 && `, ${count} times`}
          </strong>
          <p className="details">
            {[
              timeInWords(occurredAt),
              count > 1 && `last ${timeInWords(lastOccurredAt)}`,
              device,
              address,
              ACTORS[actor],
            ]
              .filter(Boolean)
              .join(" · ")}
          </p>
        </>
      )}
    />
  );
}
