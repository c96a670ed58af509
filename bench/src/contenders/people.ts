// The values for the rows of a loaded user.
import { createHash } from "node:crypto";

/** When all users registered. */
export const REGISTERED_AT = "2026-01-01 00:00:00Z";

/** 32 hex digits, the same in each run, but distributed like random IDs. */
export function scatteredId(kind: string, number: number): string {
  return createHash("sha256").update(`${kind} ${number}`).digest("hex").slice(0, 32);
}

export function scatteredUuid(kind: string, number: number): string {
  return scatteredId(kind, number).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
