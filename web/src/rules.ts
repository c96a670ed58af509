// Checks fields as the user types, by the same rules as the API.
import { FORMS, newUsernameFault } from "../../src/accounts/rules/argument-rules.ts";
import { serverSettings } from "./server-settings.ts";

/** Returns true for a valid value, otherwise a sentence that says how to fix it. */
export type Rule = (value: string, fields: Readonly<Record<string, string>>) => string | true;

const PASSWORD_MAX_LENGTH = 128; // characters

export const username: Rule = (value) =>
  FORMS.username(value) === undefined
    ? (newUsernameFault(value) ?? true)
    : "Use 3 to 32 characters: letters a to z, numbers, and _ . -";

export const email: Rule = (value) =>
  FORMS.email(value) === undefined || "Enter a valid email address, like ada@example.com.";

export const NEW_PASSWORD_HINT = `At least ${serverSettings.passwordMinLength} characters. A few random words work well.`;

export const newPassword: Rule = (value) => {
  const minLength = serverSettings.passwordMinLength;
  const length = Array.from(value).length; // in code points, as the server counts
  if (length < minLength) return `Use at least ${minLength} characters.`;
  if (length > PASSWORD_MAX_LENGTH) return `Use at most ${PASSWORD_MAX_LENGTH} characters.`;
  return true;
};

export const required: Rule = (value) => value !== "" || "This field is required.";

export const repeated: Rule = (value, { password }) => value === password || "The passwords don't match.";
