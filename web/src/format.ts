// Times and roles in words.
import type { Role } from "./operations.ts";

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });

export const timeInWords = (isoTime: string) => TIME.format(new Date(isoTime));
export const dateInWords = (isoTime: string) => DATE.format(new Date(isoTime));

const ROLES: Readonly<Record<Role, string>> = { USER: "User", ADMIN: "Administrator" };

export const rolesInWords = (roles: readonly Role[]) => roles.map((role) => ROLES[role]).join(", ");
