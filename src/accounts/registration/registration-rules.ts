import type { Dependencies } from "../dependencies.ts";
import type { RegistrationRules } from "../model/registration-rules.ts";
import { NEW_USERNAME_RULE } from "../rules/argument-rules.ts";

/** What a registration form has to know. The same for everybody. */
export function registrationRules({ passwords, locales }: Dependencies): RegistrationRules {
  const { pattern, minLength, maxLength } = NEW_USERNAME_RULE;
  return {
    usernamePattern: pattern,
    usernameMinLength: minLength,
    usernameMaxLength: maxLength,
    passwordMinLength: passwords.minLength,
    passwordMaxLength: passwords.maxLength,
    locales,
  };
}
