// Times, roles and the states of accounts in words.
import type { Role } from "./operations.ts";

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });

export const timeInWords = (isoTime: string) => TIME.format(new Date(isoTime));
export const dateInWords = (isoTime: string) => DATE.format(new Date(isoTime));

/** What an administrator sees of an account's state. */
export function statusInWords(user: {
  readonly isActive: boolean;
  readonly deactivatedAt: string | null;
  readonly eraseAt: string | null;
}): string {
  if (user.deactivatedAt !== null) return "Deactivated";
  if (user.eraseAt !== null) return `Deleted, erased on ${dateInWords(user.eraseAt)}`;
  return user.isActive ? "Active" : "Not confirmed";
}

const ROLES: Readonly<Record<Role, string>> = { USER: "User", ADMIN: "Administrator" };

export const rolesInWords = (roles: readonly Role[]) => roles.map((role) => ROLES[role]).join(", ");
