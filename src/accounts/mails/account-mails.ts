// Which mail an account's event becomes, decided when it is sent: what has been overtaken meanwhile is dropped,
// and links are minted here, so that no table, job or log ever holds one.
import type { EntityManager } from "@mikro-orm/postgresql";

import type { MailToRender } from "../../mail/renderer.ts";
import type { Links } from "./links.ts";
import type { Tokens } from "../tokens.ts";
import { EmailChange } from "../model/email-change.entity.ts";
import { foldCase } from "../rules/fold-case.ts";
import { prepared } from "../store/statement.ts";
import { User } from "../model/user.entity.ts";
import { findByEmail, subjectOf, usersById } from "../store/users.ts";

/** For how long the change of an address can be undone: long enough for a mailbox that is read once a week. */
export const UNDO_MINUTES = 7 * 24 * 60;

export type AccountMailName =
  "registration" | "reset" | "password-changed" | "email-change" | "email-changed" | "account-deleted";

/** What the queue holds of a mail: whom and what it is about, never an address, a link or a token. */
export interface AccountMail {
  readonly mail: AccountMailName;
  readonly userId: string;
  readonly credentialVersion: number;
  /** Of a mail about a change of address. */
  readonly emailChangeId?: string;
  /** ISO 8601. */
  readonly requestedAt: string;
}

// Of a pending account whose address no active one has.
const MOVE_EXPIRY = {
  name: "move-expiry",
  text: `update accounts.users as pending set confirmation_expires_at = $3
    where id = $1 and credential_version = $2 and not is_active
      and not exists (select from accounts.users where email_key = pending.email_key and is_active)
    returning id`,
};

/** The variables of each mail's template, with sample values for the preview and the check at start. */
export function sampleVariables(locale: string) {
  const account = { appName: "Account Server", username: "ada" };
  const time = timeInWords("2026-11-24T09:30:00Z", locale);
  return {
    registration: {
      ...account,
      link: "https://app.example.com/#/finalize?token=sample",
      expiresIn: durationInWords(1440, locale),
    },
    "already-registered": account,
    reset: {
      ...account,
      link: "https://app.example.com/#/reset?token=sample",
      expiresIn: durationInWords(30, locale),
      requestedAt: time,
    },
    "password-changed": { ...account, changedAt: time },
    "email-change": {
      ...account,
      link: "https://app.example.com/#/change-email?token=sample",
      expiresIn: durationInWords(1440, locale),
      requestedAt: time,
    },
    "email-changed": {
      ...account,
      newEmail: "lovelace@example.com",
      changedAt: time,
      link: "https://app.example.com/#/change-email?token=sample",
      expiresIn: durationInWords(UNDO_MINUTES, locale),
    },
    "account-deleted": { ...account, eraseAt: dateInWords("2026-12-24T09:30:00Z", locale) },
  } as const satisfies Record<string, Record<string, string>>;
}

type TemplateName = keyof ReturnType<typeof sampleVariables>;

/** Every mail in every locale, filled with sample data. */
export function sampleMails(locales: readonly string[]): MailToRender[] {
  const to = { name: "ada", address: "ada@example.com" };
  return locales.flatMap((locale) =>
    Object.entries(sampleVariables(locale)).map(([template, variables]) => ({
      template,
      locale,
      to,
      variables,
    })),
  );
}

export interface AccountMailsParts {
  readonly em: EntityManager;
  readonly tokens: Tokens;
  readonly links: Links;
  readonly appName: string;
  readonly hideAccountExistence: boolean;
}

/** Composes the mail of each job when its turn has come. */
export class AccountMails {
  readonly #em: EntityManager;
  readonly #findUser: (id: string) => Promise<User | null>;
  readonly #tokens: Tokens;
  readonly #links: Links;
  readonly #appName: string;
  readonly #hidesExistence: boolean;

  constructor(deps: AccountMailsParts) {
    this.#em = deps.em;
    this.#findUser = usersById(deps.em);
    this.#tokens = deps.tokens;
    this.#links = deps.links;
    this.#appName = deps.appName;
    this.#hidesExistence = deps.hideAccountExistence;
  }

  /** The mail to send for this job, or null if it has been overtaken. */
  async compose(job: AccountMail): Promise<MailToRender | null> {
    const user = await this.#findUser(job.userId);
    if (!user) return null;
    // Notices: whatever happened since, the owner must hear of the change.
    if (job.mail === "password-changed") {
      return this.#mail("password-changed", user, { changedAt: timeInWords(job.requestedAt, user.locale) });
    }
    if (job.mail === "email-changed") return this.#emailChanged(user, job);
    if (user.credentialVersion !== job.credentialVersion || user.deactivatedAt) return null;
    if (job.mail === "account-deleted") {
      if (!user.eraseAt) return null;
      return this.#mail("account-deleted", user, {
        eraseAt: dateInWords(user.eraseAt.toISOString(), user.locale),
      });
    }
    if (job.mail === "email-change") return this.#emailChange(user, job);
    if (this.#hidesExistence) await this.#extendPending(user.emailKey);
    if (!user.isActive)
      return job.mail === "registration" || this.#hidesExistence ? this.#registration(user) : null;
    if (job.mail === "reset") return this.#reset(user, job);
    return this.#alreadyRegistered(user);
  }

  async #registration(user: User): Promise<MailToRender | null> {
    const { token, expiresAt } = this.#tokens.issue("registration", {
      userId: user.id,
      credentialVersion: user.credentialVersion,
    });
    // The account stays pending for as long as its newest link is good, however long the mail has waited.
    const values = [user.id, user.credentialVersion, expiresAt];
    const [pending] = await prepared(this.#em, MOVE_EXPIRY, values);
    if (!pending) {
      const owner = await findByEmail(this.#em, user.email);
      // Else it was activated, replaced or removed a moment ago.
      return owner?.isActive ? this.#alreadyRegistered(owner) : null;
    }
    return this.#mail("registration", user, {
      link: this.#links.confirmation(token),
      expiresIn: durationInWords(this.#tokens.minutes("registration"), user.locale),
    });
  }

  /**
   * Whichever mail it is going to be: if the name of a pending account became free sooner beside an active account
   * than without one, it would tell that the address has one.
   */
  async #extendPending(emailKey: string): Promise<void> {
    const confirmationExpiresAt = this.#tokens.expiry("registration");
    await this.#em.fork().nativeUpdate(User, { emailKey, isActive: false }, { confirmationExpiresAt });
  }

  #reset(user: User, job: AccountMail): MailToRender {
    const { token } = this.#tokens.issue("reset", job);
    return this.#mail("reset", user, {
      link: this.#links.reset(token),
      expiresIn: durationInWords(this.#tokens.minutes("reset"), user.locale),
      requestedAt: timeInWords(job.requestedAt, user.locale),
    });
  }

  async #emailChange(user: User, job: AccountMail): Promise<MailToRender | null> {
    const em = this.#em.fork();
    const change = await em.findOne(EmailChange, { id: job.emailChangeId ?? "" });
    if (!change) return null;
    const owner = await em.findOne(User, { emailKey: foldCase(change.newEmail), isActive: true });
    if (owner && owner.id !== user.id) return this.#alreadyRegistered(owner);
    const { token } = this.#tokens.issue("email-change", { ...subjectOf(user), reference: change.id });
    const variables = {
      link: this.#links.emailChange(token),
      expiresIn: durationInWords(this.#tokens.minutes("email-change"), user.locale),
      requestedAt: timeInWords(job.requestedAt, user.locale),
    };
    return { ...this.#mail("email-change", user, variables), to: recipient(user, change.newEmail) };
  }

  /** To the old address, with the link that undoes the change. */
  async #emailChanged(user: User, job: AccountMail): Promise<MailToRender | null> {
    const undo = await this.#em.fork().findOne(EmailChange, { id: job.emailChangeId ?? "" });
    if (!undo) return null;
    const { token } = this.#tokens.issue("email-undo", { ...subjectOf(user), reference: undo.id });
    const variables = {
      newEmail: undo.oldEmail,
      changedAt: timeInWords(job.requestedAt, user.locale),
      link: this.#links.emailChange(token),
      expiresIn: durationInWords(this.#tokens.minutes("email-undo"), user.locale),
    };
    return { ...this.#mail("email-changed", user, variables), to: recipient(user, undo.newEmail) };
  }

  /** Says to the owner of a registered address what the answer to the request kept to itself. */
  #alreadyRegistered(owner: User): MailToRender | null {
    return this.#hidesExistence ? this.#mail("already-registered", owner, {}) : null;
  }

  #mail(template: TemplateName, user: User, variables: Record<string, string>): MailToRender {
    return {
      template,
      locale: user.locale,
      to: recipient(user, user.email),
      variables: { appName: this.#appName, username: user.username, ...variables },
    };
  }
}

const recipient = (user: User, address: string) => ({ name: user.username, address });

const dateFormat = perLocale(
  (locale) => new Intl.DateTimeFormat(locale, { dateStyle: "long", timeZone: "UTC" }),
);
const timeFormat = perLocale(
  (locale) =>
    new Intl.DateTimeFormat(locale, {
      dateStyle: "long",
      timeStyle: "short",
      hourCycle: "h23",
      timeZone: "UTC",
    }),
);
const durationFormat = perLocale((locale) => new Intl.DurationFormat(locale, { style: "long" }));

function dateInWords(isoTime: string, locale: string): string {
  return dateFormat(locale).format(new Date(isoTime));
}

function timeInWords(isoTime: string, locale: string): string {
  return `${timeFormat(locale).format(new Date(isoTime))} UTC`;
}

function durationInWords(minutes: number, locale: string): string {
  const hours = minutes / 60;
  const duration =
    hours >= 48 && hours % 24 === 0 ? { days: hours / 24 } : hours % 1 === 0 ? { hours } : { minutes };
  return durationFormat(locale).format(duration);
}

/** Made once a locale: making one takes longer than all else in a mail. */
function perLocale<Format>(make: (locale: string) => Format): (locale: string) => Format {
  const made = new Map<string, Format>();
  return (locale) => {
    const known = made.get(locale) ?? make(locale);
    made.set(locale, known);
    return known;
  };
}
