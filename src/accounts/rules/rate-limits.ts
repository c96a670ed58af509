// How often what may be tried. The figures are such that no person meets them, not even in an office that shares one address.

export interface RateLimit {
  /** How often, until it is refused. */
  readonly max: number;
  /** After this time everything is forgotten: counted from the first try of a count or, if `doubles`, from the last. */
  readonly seconds: number;
  /**
   * Beyond `max`, one more try is possible after 1 second, the next after 2, then 4, up to LONGEST_DELAY_SECONDS. A
   * stranger can slow an account's other guessers down that way, but cannot lock its owner out (OWASP Authentication
   * Cheat Sheet, "Account Lockout").
   */
  readonly doubles?: true;
}

export const LONGEST_DELAY_SECONDS = 3600;

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export const RATE_LIMITS = {
  /** Wrong passwords from one address, whichever the accounts. */
  "password-address": { max: 100, seconds: 15 * MINUTE },
  "password-address-day": { max: 1_000, seconds: DAY },
  /** Wrong passwords for one account from one address. */
  "password-account-address": { max: 10, seconds: DAY, doubles: true },
  /** Wrong passwords for one account from all addresses together (NIST SP 800-63B, 3.2.2: at most 100). */
  "password-account": { max: 20, seconds: DAY, doubles: true },
  /** Wrong passwords for one account from a device that has logged in to it before; counts in place of the limits above. */
  "password-device": { max: 10, seconds: DAY, doubles: true },
  /** Registrations from one address. */
  "register-address": { max: 50, seconds: HOUR },
  "register-address-day": { max: 200, seconds: DAY },
  /** Emails that anybody can have sent to one email address: confirmations, resets, changes of the email address. */
  "mail-recipient": { max: 5, seconds: HOUR },
  "mail-recipient-day": { max: 20, seconds: DAY },
  /** The same emails, requested from one address. */
  "mail-address": { max: 30, seconds: HOUR },
  "mail-address-day": { max: 100, seconds: DAY },
  /** The same emails, of all together. Meeting it is an alarm in the log. */
  "mail-total": { max: 10_000, seconds: HOUR },
  /** Wrong passwords, registrations and resets of all together, beyond which CHALLENGE=auto asks for a challenge. */
  "challenge-login": { max: 300, seconds: 15 * MINUTE },
  "challenge-register": { max: 200, seconds: HOUR },
  "challenge-reset": { max: 300, seconds: HOUR },
} as const satisfies Record<string, RateLimit>;

/** What may ask for a challenge. */
export type Challenged = "login" | "register" | "reset";

export type RateLimitName = keyof typeof RATE_LIMITS;
