// Every mail, one entry each: its variables with samples, whom it goes to, and when it is dropped. Links are minted when the
// mail is sent, so that no table, job or log ever holds one.
import { stateOf } from "../model/account-state.ts";
import type { EmailChange } from "../model/email-change.entity.ts";
import type { User } from "../model/user.entity.ts";
import { subjectOf } from "../store/users.ts";
import type { Tokens } from "../tokens.ts";
import type { InWords } from "./in-words.ts";
import type { Links } from "./links.ts";
import type { MailJob } from "./mail-job.ts";

/**
 * The variables of each mail's templates, besides `appName` and `locale`, which every mail has, and `username`, which every mail has
 * that goes to a confirmed email address.
 */
interface Variables {
  readonly registration: { link: string; expiresIn: string; registeredAt: string };
  readonly "already-registered": Record<string, never>;
  readonly reset: { link: string; expiresIn: string; requestedAt: string };
  readonly "password-changed": { changedAt: string };
  readonly "email-change": { link: string; expiresIn: string; requestedAt: string };
  readonly "email-changed": { newEmail: string; changedAt: string; link: string; expiresIn: string };
  readonly "email-undo-ending": { newEmail: string; requestedAt: string; endsAt: string; link: string };
  readonly "email-undo-ending-notice": { oldEmail: string; requestedAt: string; endsAt: string };
  readonly "username-changed": { changedAt: string };
  readonly "account-deleted": { eraseAt: string };
  readonly "roles-changed": { roles: string; changedAt: string };
  readonly "account-deactivated": { deactivatedAt: string };
  readonly "account-reactivated": { reactivatedAt: string };
  readonly "sessions-ended": { endedAt: string };
}

/** Also the name of its templates' folder. */
export type MailName = keyof Variables;

interface Mail<Name extends MailName> {
  /** For the preview, and for the check of the templates at start. */
  readonly sample: (words: InWords) => Variables[Name];
  /**
   * A notice tells of something that has been done, so its owner hears of it whatever has happened since. Any other mail is
   * dropped once the user's credentials have changed or an administrator has deactivated the account.
   */
  readonly isNotice?: true;
  /**
   * The email address is not confirmed, so the mail may reach a stranger. It holds nothing that the user chose, such as the
   * username: mail programs make a link of `www.evil.example`.
   */
  readonly goesToUnconfirmed?: true;
  /** The letter to send now, or null to drop the mail. */
  readonly compose: (user: User, job: MailJob, tools: MailTools) => Letter | null | Promise<Letter | null>;
}

/** A mail of this name to a user, at the email address of the account unless another one is given. */
export interface Letter {
  readonly mail: MailName;
  readonly to: Pick<User, "username" | "email" | "locale">;
  readonly email?: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** What composing takes. */
export interface MailTools {
  readonly tokens: Tokens;
  readonly links: Links;
  readonly words: InWords;
  readonly now: Date;
  readonly hidesExistence: boolean;
  readonly findByEmail: (email: string) => Promise<User | null>;
  readonly findEmailChange: (id: string) => Promise<EmailChange | null>;
  /** @returns until when `user` waits for its confirmation now; null if it no longer does */
  readonly extendConfirmation: (user: User) => Promise<Date | null>;
  /** The same, for the account of an email address that waits, if there is one. */
  readonly extendConfirmationOf: (email: string) => Promise<void>;
}

/** For how long the change of an email address can be undone: long enough for a mailbox that is read once a week. */
export const UNDO_DAYS = 7;
export const UNDO_MINUTES = UNDO_DAYS * 24 * 60;

const sampleLink = (page: string) => `https://app.example.com/#/${page}?token=sample`;

export const CATALOGUE: { readonly [Name in MailName]: Mail<Name> } = {
  registration: {
    sample: (words) => ({
      link: sampleLink("finalize"),
      expiresIn: words.duration(1440),
      registeredAt: `${words.time(SAMPLE_TIME)} (Firefox, Linux)`,
    }),
    goesToUnconfirmed: true,
    async compose(user, _job, tools) {
      await hideByExtending(user, tools);
      return user.isActive ? alreadyRegistered(user, tools) : confirmation(user, tools);
    },
  },

  /** Tells the owner of a registered email address what the answer to the request concealed. */
  "already-registered": {
    sample: () => ({}),
    compose: (user, _job, tools) => alreadyRegistered(user, tools),
  },

  reset: {
    sample: (words) => ({
      link: sampleLink("reset"),
      expiresIn: words.duration(30),
      requestedAt: words.time(SAMPLE_TIME),
    }),
    async compose(user, job, tools) {
      await hideByExtending(user, tools);
      if (!user.isActive) return tools.hidesExistence ? confirmation(user, tools) : null;
      if (stateOf(user, tools.now) === "erased") return null;
      const { tokens, links, words } = tools;
      const { token } = tokens.issue("reset", subjectOf(user));
      return letter("reset", user, {
        link: links.reset(token),
        expiresIn: words.duration(tokens.minutes("reset")),
        requestedAt: words.time(job.requestedAt),
      });
    },
  },

  "password-changed": {
    sample: (words) => ({ changedAt: words.time(SAMPLE_TIME) }),
    isNotice: true,
    compose: (user, { requestedAt }, { words }) =>
      letter("password-changed", user, { changedAt: words.time(requestedAt) }),
  },

  /** To the new email address. */
  "email-change": {
    sample: (words) => ({
      link: sampleLink("change-email"),
      expiresIn: words.duration(1440),
      requestedAt: words.time(SAMPLE_TIME),
    }),
    goesToUnconfirmed: true,
    async compose(user, { emailChangeId = "", requestedAt }, tools) {
      const { tokens, links, words } = tools;
      const change = await tools.findEmailChange(emailChangeId);
      if (!change) return null;
      const owner = await tools.findByEmail(change.newEmail);
      if (owner?.isActive && owner.id !== user.id) return alreadyRegistered(owner, tools);
      const { token } = tokens.issue("email-change", { ...subjectOf(user), reference: change.id });
      const variables = {
        link: links.emailChange(token),
        expiresIn: words.duration(tokens.minutes("email-change")),
        requestedAt: words.time(requestedAt),
      };
      return { ...letter("email-change", user, variables), email: change.newEmail };
    },
  },

  /** To the old email address. */
  "email-changed": {
    sample: (words) => ({
      newEmail: "lovelace@example.com",
      changedAt: words.time(SAMPLE_TIME),
      link: sampleLink("undo-email-change"),
      expiresIn: words.duration(UNDO_MINUTES),
    }),
    isNotice: true,
    async compose(user, { emailChangeId = "", requestedAt }, { tokens, links, words, findEmailChange }) {
      const undo = await findEmailChange(emailChangeId);
      if (!undo) return null;
      const { token } = tokens.issue("email-undo", { ...subjectOf(user), reference: undo.id });
      const variables = {
        newEmail: undo.oldEmail, // the undo is the change back
        changedAt: words.time(requestedAt),
        link: links.emailUndo(token),
        expiresIn: words.duration(tokens.minutes("email-undo")),
      };
      return { ...letter("email-changed", user, variables), email: undo.newEmail };
    },
  },

  /** To the old email address, where the undo still works. */
  "email-undo-ending": {
    sample: (words) => ({
      newEmail: "lovelace@example.com",
      requestedAt: words.time(SAMPLE_TIME),
      endsAt: words.time("2026-11-27T09:30:00Z"),
      link: sampleLink("undo-email-change"),
    }),
    isNotice: true,
    async compose(user, { emailChangeId = "", requestedAt }, { tokens, links, words, findEmailChange }) {
      const undo = await findEmailChange(emailChangeId);
      if (!undo?.endsAt) return null;
      const { token } = tokens.issue("email-undo", { ...subjectOf(user), reference: undo.id });
      const variables = {
        newEmail: undo.oldEmail, // the undo is the change back
        requestedAt: words.time(requestedAt),
        endsAt: words.time(undo.endsAt.toISOString()),
        link: links.emailUndo(token),
      };
      return { ...letter("email-undo-ending", user, variables), email: undo.newEmail };
    },
  },

  "email-undo-ending-notice": {
    sample: (words) => ({
      oldEmail: "ada.byron@example.com",
      requestedAt: words.time(SAMPLE_TIME),
      endsAt: words.time("2026-11-27T09:30:00Z"),
    }),
    isNotice: true,
    async compose(user, { emailChangeId = "", requestedAt }, { words, findEmailChange }) {
      const undo = await findEmailChange(emailChangeId);
      if (!undo?.endsAt) return null;
      return letter("email-undo-ending-notice", user, {
        oldEmail: undo.newEmail, // the undo is the change back
        requestedAt: words.time(requestedAt),
        endsAt: words.time(undo.endsAt.toISOString()),
      });
    },
  },

  "username-changed": {
    sample: (words) => ({ changedAt: words.time(SAMPLE_TIME) }),
    isNotice: true,
    compose: (user, { requestedAt }, { words }) =>
      letter("username-changed", user, { changedAt: words.time(requestedAt) }),
  },

  "account-deleted": {
    sample: (words) => ({ eraseAt: words.date("2026-12-24T09:30:00Z") }),
    compose: (user, _job, { words }) =>
      user.eraseAt
        ? letter("account-deleted", user, { eraseAt: words.date(user.eraseAt.toISOString()) })
        : null,
  },

  "roles-changed": {
    sample: (words) => ({ roles: "USER, ADMIN", changedAt: words.time(SAMPLE_TIME) }),
    isNotice: true,
    compose: (user, { requestedAt }, { words }) =>
      ifConfirmed(user, "roles-changed", {
        roles: user.roles.join(", "),
        changedAt: words.time(requestedAt),
      }),
  },

  "account-deactivated": {
    sample: (words) => ({ deactivatedAt: words.time(SAMPLE_TIME) }),
    isNotice: true,
    compose: (user, { requestedAt }, { words }) =>
      ifConfirmed(user, "account-deactivated", { deactivatedAt: words.time(requestedAt) }),
  },

  "account-reactivated": {
    sample: (words) => ({ reactivatedAt: words.time(SAMPLE_TIME) }),
    isNotice: true,
    compose: (user, { requestedAt }, { words }) =>
      ifConfirmed(user, "account-reactivated", { reactivatedAt: words.time(requestedAt) }),
  },

  "sessions-ended": {
    sample: (words) => ({ endedAt: words.time(SAMPLE_TIME) }),
    isNotice: true,
    compose: (user, { requestedAt }, { words }) =>
      ifConfirmed(user, "sessions-ended", { endedAt: words.time(requestedAt) }),
  },
};

const SAMPLE_TIME = "2026-11-24T09:30:00Z";

function letter<Name extends MailName>(mail: Name, to: User, variables: Variables[Name]): Letter {
  return { mail, to, variables };
}

/** What an administrator did to an account that was never confirmed is no news for the address that somebody gave for it. */
function ifConfirmed<Name extends MailName>(
  user: User,
  mail: Name,
  variables: Variables[Name],
): Letter | null {
  return user.isActive ? letter(mail, user, variables) : null;
}

/** Where existence is not hidden, the answer to the request has said it. */
function alreadyRegistered(owner: User, { hidesExistence }: MailTools): Letter | null {
  return hidesExistence ? letter("already-registered", owner, {}) : null;
}

async function confirmation(user: User, tools: MailTools): Promise<Letter | null> {
  const { tokens, links, words, now } = tools;
  // The account waits for as long as its newest link is good, however long the mail has waited.
  const waitsUntil = await tools.extendConfirmation(user);
  if (!waitsUntil || waitsUntil <= now) {
    // It was activated, replaced, removed or abandoned, or another account has confirmed the email address.
    const owner = await tools.findByEmail(user.email);
    return owner?.isActive ? alreadyRegistered(owner, tools) : null;
  }
  const { token, expiresAt } = tokens.issue("registration", subjectOf(user), waitsUntil);
  const registeredAt = words.time(user.createdAt.toISOString());
  return letter("registration", user, {
    link: links.confirmation(token),
    expiresIn: words.duration(Math.round((expiresAt.getTime() - now.getTime()) / 60_000)),
    registeredAt: user.registrationDevice ? `${registeredAt} (${user.registrationDevice})` : registeredAt,
  });
}

/**
 * Whichever mail it becomes: otherwise the time at which a pending username is released would reveal whether the email address
 * has an account.
 */
async function hideByExtending(user: User, tools: MailTools): Promise<void> {
  if (tools.hidesExistence) await tools.extendConfirmationOf(user.email);
}
