// The form that fields must have, by the API's own rules, told while one types.
import { FORMS } from "../../src/accounts/rules/argument-rules.ts";
import { serverSettings } from "./server-settings.ts";

/** What is wrong with the value of a field, in one sentence; true if nothing is. */
export type Rule = (value: string, fields: Readonly<Record<string, string>>) => string | true;

const PASSWORD_MAX_LENGTH = 128; // characters

export const username: Rule = (value) =>
  FORMS.username(value) === undefined || "Use 3 to 32 letters (a to z), digits, and _ . -";

export const email: Rule = (value) =>
  FORMS.email(value) === undefined || "Give an address such as ada@example.com.";

export const NEW_PASSWORD_HINT = `At least ${serverSettings.passwordMinLength} characters; a few words do well.`;

export const newPassword: Rule = (value) => {
  const minLength = serverSettings.passwordMinLength;
  const length = Array.from(value).length; // in code points, as the server counts
  if (length < minLength) return `Use at least ${minLength} characters.`;
  if (length > PASSWORD_MAX_LENGTH) return `Use at most ${PASSWORD_MAX_LENGTH} characters.`;
  return true;
};

export const required: Rule = (value) => value !== "" || "Fill this in.";

export const repeated: Rule = (value, { password }) => value === password || "The passwords differ.";
