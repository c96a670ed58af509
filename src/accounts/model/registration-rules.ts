/** What a registration form has to know to check what is entered before it is sent. Lengths are in characters (code points). */
export interface RegistrationRules {
  /** An ECMAScript regular expression without flags. Some names that match it are reserved, or taken. */
  readonly usernamePattern: string;
  readonly usernameMinLength: number;
  readonly usernameMaxLength: number;
  readonly passwordMinLength: number;
  readonly passwordMaxLength: number;
  /** The languages of emails, as BCP 47 tags. */
  readonly locales: readonly string[];
}
