// Composes the mail of a job when it is sent, from the current state of the account.
import type { EntityManager } from "@mikro-orm/postgresql";

import type { MailToRender } from "../../mail/renderer.ts";
import { EmailChange } from "../model/email-change.entity.ts";
import { User } from "../model/user.entity.ts";
import { foldCase } from "../rules/fold-case.ts";
import { extendConfirmation, findByEmail, isBoundTo, usersById } from "../store/users.ts";
import type { Tokens } from "../tokens.ts";
import { CATALOGUE, type Letter, type MailName, type MailTools } from "./catalogue.ts";
import { inWords, type InWords } from "./in-words.ts";
import type { Links } from "./links.ts";
import type { MailJob } from "./mail-job.ts";

export interface ComposerOptions {
  readonly em: EntityManager;
  readonly tokens: Tokens;
  readonly links: Links;
  readonly now: () => Date;
  readonly appName: string;
  readonly hideAccountExistence: boolean;
}

/**
 * Returns the function that composes the mail of a job, or null if the mail is out of date and is dropped.
 * @throws {Error} for a mail that this server does not know: the job returns to the queue and waits for a newer server
 */
export function mailComposer(options: ComposerOptions): (job: MailJob) => Promise<MailToRender | null> {
  const { em, appName } = options;
  const findUser = usersById(em);
  const wordsOf = new Map<string, InWords>();
  return async (job) => {
    const mail = Object.hasOwn(CATALOGUE, job.mail) ? CATALOGUE[job.mail as MailName] : null;
    if (!mail) throw new Error(`this version does not know the mail "${job.mail}"; a newer one sends it`);
    const user = await findUser(job.userId);
    if (!user) return null;
    const isOvertaken = !isBoundTo(job, user) || user.deactivatedAt !== null;
    if (isOvertaken && !mail.isNotice) return null;
    const words = wordsOf.get(user.locale) ?? inWords(user.locale);
    wordsOf.set(user.locale, words);
    const letter = await mail.compose(user, job, toolsWith(words, options));
    return letter && toRender(letter, appName);
  };
}

function toolsWith(
  words: InWords,
  { em, tokens, links, now, hideAccountExistence }: ComposerOptions,
): MailTools {
  return {
    tokens,
    links,
    words,
    now: now(),
    hidesExistence: hideAccountExistence,
    findByEmail: (email) => findByEmail(em, email),
    findEmailChange: (id) => em.fork().findOne(EmailChange, { id }),
    extendConfirmation: (pending, expiresAt) => extendConfirmation(em, pending, expiresAt),
    async extendPending(email) {
      const confirmationExpiresAt = tokens.expiry("registration");
      const pending = { emailKey: foldCase(email), isActive: false };
      await em.fork().nativeUpdate(User, pending, { confirmationExpiresAt });
    },
  };
}

function toRender({ mail, to, email = to.email, variables }: Letter, appName: string): MailToRender {
  return {
    template: mail,
    locale: to.locale,
    to: { name: to.username, address: email },
    variables: { appName, username: to.username, ...variables },
  };
}

/** Every mail in every locale, filled with sample data. */
export function sampleMails(locales: readonly string[]): MailToRender[] {
  const to = { name: "ada", address: "ada@example.com" };
  return locales.flatMap((locale) =>
    Object.entries(CATALOGUE).map(([template, { sample }]) => ({
      template,
      locale,
      to,
      variables: { appName: "Account Server", username: to.name, ...sample(inWords(locale)) },
    })),
  );
}
