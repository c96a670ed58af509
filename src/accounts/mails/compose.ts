// Composes the mail of a job when it is sent, from the current state of the account.
import type { EntityManager } from "@mikro-orm/postgresql";

import type { MailToRender } from "../../mail/renderer.ts";
import { EmailChange } from "../model/email-change.entity.ts";
import {
  extendConfirmation,
  extendConfirmationOf,
  findByEmail,
  isBoundTo,
  usersById,
} from "../store/users.ts";
import type { Tokens } from "../tokens.ts";
import type { Application, Applications } from "./applications.ts";
import { CATALOGUE, type Letter, type MailName, type MailTools } from "./catalogue.ts";
import { inWords, type InWords } from "./in-words.ts";
import type { MailJob } from "./mail-job.ts";

export interface ComposerOptions {
  readonly em: EntityManager;
  readonly tokens: Tokens;
  readonly applications: Applications;
  readonly now: () => Date;
  readonly hideAccountExistence: boolean;
}

/**
 * Returns the function that composes the mail of a job, or null if the mail is out of date and is dropped.
 * @throws {Error} for a mail that this server does not know: the job returns to the queue and waits for a newer server
 */
export function mailComposer(options: ComposerOptions): (job: MailJob) => Promise<MailToRender | null> {
  const { em, applications } = options;
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
    const application = applications.of(job.application);
    const letter = await mail.compose(user, job, toolsWith(words, application, options));
    return letter && toRender(letter, application.appName);
  };
}

function toolsWith(
  words: InWords,
  { links }: Application,
  { em, tokens, now, hideAccountExistence }: ComposerOptions,
): MailTools {
  return {
    tokens,
    links,
    words,
    now: now(),
    hidesExistence: hideAccountExistence,
    findByEmail: (email) => findByEmail(em, email),
    findEmailChange: (id) => em.fork().findOne(EmailChange, { id }),
    extendConfirmation: (user) => extendConfirmation(em, user, tokens.expiry("registration")),
    extendConfirmationOf: (email) => extendConfirmationOf(em, email, tokens.expiry("registration")),
  };
}

function toRender({ mail, to, email = to.email, variables }: Letter, appName: string): MailToRender {
  const { locale, username } = to;
  const greets = !CATALOGUE[mail].goesToUnconfirmed;
  return {
    template: mail,
    locale,
    senderName: appName,
    to: { name: greets ? username : "", address: email },
    variables: { appName, ...(greets && { username }), ...variables },
  };
}

/** Every mail in every locale, filled with sample data. */
export function sampleMails(locales: readonly string[]): MailToRender[] {
  return locales.flatMap((locale) => {
    const to = { username: "ada", email: "ada@example.com", locale };
    const words = inWords(locale);
    return Object.entries(CATALOGUE).map(([mail, { sample }]) =>
      toRender({ mail: mail as MailName, to, variables: sample(words) }, "Account Server"),
    );
  });
}
