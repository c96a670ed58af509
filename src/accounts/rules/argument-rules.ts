// The form that arguments must have, checked before anything is looked up. Nothing is trimmed or normalized: what is
// stored is what was sent.
import { AccountError, type FieldFault } from "./account-error.ts";
import { foldCase } from "./fold-case.ts";

const USERNAME = /^[A-Za-z0-9_.-]{3,32}$/;
/** What a new username has to be, in one expression for forms. */
export const NEW_USERNAME_RULE = {
  pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{1,30}[A-Za-z0-9]$",
  minLength: 3,
  maxLength: 32,
};

const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
/** RFC 5321 without quoted local parts and address literals; the last label must not be a number. */
const ADDRESS = new RegExp(`^(?=[^@]{1,64}@)${ATOM}(?:\\.${ATOM})*@(?:${LABEL}\\.)+(?!\\d+$)${LABEL}$`);
/** RFC 3696, erratum 1690. */
const ADDRESS_MAX_LENGTH = 254;

/**
 * Refuses malformed arguments, all in one error. Every argument must be text that can be stored and hashed unchanged;
 * `forms` lists the arguments that must also be a username or an email address.
 * @throws {AccountError} BAD_USER_INPUT
 */
export function checkArguments(
  values: Readonly<Record<string, string>>,
  forms: readonly (keyof typeof FORMS)[] = [],
): void {
  const fields: FieldFault[] = [];
  for (const [field, value] of Object.entries(values)) {
    const message =
      textFault(value) ?? forms.filter((form) => form === field).map((form) => FORMS[form](value))[0];
    if (message) fields.push({ field, message });
  }
  refuseFaults(fields);
}

/** @throws {AccountError} BAD_USER_INPUT if there are faults */
export function refuseFaults(fields: readonly FieldFault[]): void {
  if (fields.length === 0) return;
  const message = fields.map((fault) => `${fault.field}: ${fault.message}`).join(" ");
  throw new AccountError("BAD_USER_INPUT", message, { fields });
}

/** PostgreSQL cannot store NUL. Lone surrogates have no UTF-8 form, so different passwords would have the same hash. */
function textFault(value: string): string | undefined {
  if (value.includes("\0")) return "Remove the NUL character.";
  if (!value.isWellFormed()) return "Remove the incomplete character (a lone surrogate).";
  return undefined;
}

/** Says how to correct a value; undefined if it is well formed. */
export const FORMS = { username: usernameFault, email: addressFault, newEmail: addressFault };

function usernameFault(value: string): string | undefined {
  if (USERNAME.test(value)) return undefined;
  return "Use 3 to 32 characters: letters a to z, digits, and _ . - (no accents or spaces).";
}

/** Names that people take for the service itself (RFC 2142 and the like), without `_`, `.` and `-`. */
const RESERVED = new Set(
  (
    "abuse admin administrator billing contact ftp help helpdesk hostmaster info mailerdaemon marketing moderator news noc " +
    "noreply official owner postmaster root sales security staff support sysadmin system usenet uucp webmaster www"
  ).split(" "),
);

/** Refuses a username that nobody may take. Whoever has it keeps it, and the operator can give it to users. */
export function newUsernameFault(username: string): string | undefined {
  if (!/^[A-Za-z0-9].*[A-Za-z0-9]$/.test(username)) return "Begin and end with a letter or a digit.";
  if (RESERVED.has(foldCase(username).replaceAll(/[_.-]/g, "")))
    return `${username} is reserved. Choose another username.`;
  return undefined;
}

/** @throws {AccountError} BAD_USER_INPUT */
export function checkNewUsername(username: string): void {
  const message = newUsernameFault(username);
  if (message !== undefined) refuseFaults([{ field: "username", message }]);
}

/**
 * @param known the names of the configured applications
 * @throws {AccountError} BAD_USER_INPUT
 */
export function checkApplication(
  known: { has(name: string): boolean },
  application: string | undefined,
): void {
  if (application === undefined || known.has(application)) return;
  const message =
    `The server has no application "${application.slice(0, 40)}". ` +
    "Use a name from its setting APPLICATIONS, or omit the argument.";
  refuseFaults([{ field: "application", message }]);
}

function addressFault(value: string): string | undefined {
  if (value.length <= ADDRESS_MAX_LENGTH && ADDRESS.test(value)) return undefined;
  return "Enter one email address, such as ada@example.com. Write an international domain in its xn-- form.";
}
