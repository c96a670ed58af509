// The form that arguments must have before anything is looked up. Nothing is trimmed or otherwise mended:
// what is stored is what was sent.
import { AccountError, type FieldFault } from "./account-error.ts";

const USERNAME = /^[A-Za-z0-9_.-]{3,32}$/;

const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
/** RFC 5321 without quoted local deps and address literals, and with a last label that is no number. */
const ADDRESS = new RegExp(`^(?=[^@]{1,64}@)${ATOM}(?:\\.${ATOM})*@(?:${LABEL}\\.)+(?!\\d+$)${LABEL}$`);
/** RFC 3696, erratum 1690. */
const ADDRESS_MAX_LENGTH = 254;

/**
 * Refuses malformed arguments, all of them in one error. Every argument must be text that can be stored and
 * hashed as it is; usernames and addresses have their own form besides.
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

/** @throws {AccountError} BAD_USER_INPUT if there are any */
export function refuseFaults(fields: readonly FieldFault[]): void {
  if (fields.length === 0) return;
  const message = fields.map((fault) => `${fault.field}: ${fault.message}`).join(" ");
  throw new AccountError("BAD_USER_INPUT", message, { fields });
}

/** PostgreSQL cannot store NUL, and a lone surrogate has no UTF-8 form: two such passwords would hash alike. */
function textFault(value: string): string | undefined {
  if (value.includes("\0")) return "It holds a NUL character.";
  if (!value.isWellFormed()) return "It holds half a character (a lone surrogate).";
  return undefined;
}

/** What is wrong with a value, in one sentence that says what to give instead; nothing if it is well formed. */
export const FORMS = { username: usernameFault, email: addressFault, newEmail: addressFault };

function usernameFault(value: string): string | undefined {
  if (USERNAME.test(value)) return undefined;
  return "Use 3 to 32 of the letters a to z, digits, and _ . - without accents or spaces.";
}

function addressFault(value: string): string | undefined {
  if (value.length <= ADDRESS_MAX_LENGTH && ADDRESS.test(value)) return undefined;
  return "Give one address such as ada@example.com, an international domain in its xn-- form.";
}
