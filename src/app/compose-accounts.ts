// What the server and the operator's command line compose alike: the accounts of a configuration.
import { fileURLToPath } from "node:url";

import type { EntityManager } from "@mikro-orm/postgresql";

import { sampleMails, UNDO_MINUTES, type AccountMail } from "../accounts/mails/account-mails.ts";
import { createAccounts, type Accounts } from "../accounts/accounts.ts";
import { Passwords } from "../accounts/hashing/passwords.ts";
import { Tokens } from "../accounts/tokens.ts";
import type { Config } from "../config/config.ts";
import type { MailQueue } from "../mail/queue.ts";
import { MailRenderer } from "../mail/renderer.ts";

const TEMPLATES = fileURLToPath(new URL("../../templates", import.meta.url));

export interface AccountsComposition {
  readonly accounts: Accounts;
  readonly tokens: Tokens;
  readonly renderer: MailRenderer;
}

/** @param parts.secret that tokens are signed with */
export function composeAccounts(
  config: Config,
  parts: { em: EntityManager; mailQueue: MailQueue<AccountMail>; secret: string; now: () => Date },
): AccountsComposition {
  const { em, mailQueue, secret, now } = parts;
  const tokens = new Tokens(
    secret,
    {
      access: config.accessTokenMinutes,
      registration: config.registrationTokenMinutes,
      reset: config.resetTokenMinutes,
      "email-change": config.emailChangeTokenMinutes,
      "email-undo": UNDO_MINUTES,
    },
    now,
  );
  const renderer = createMailRenderer(config);
  const accounts = createAccounts({
    em,
    mailQueue,
    passwords: new Passwords(config.passwordMinLength),
    tokens,
    pickLocale: (preferences) => renderer.pickLocale(preferences),
    now,
    hideAccountExistence: config.hideAccountExistence,
    sessionIdleDays: config.sessionIdleDays,
    sessionMaxDays: config.sessionMaxDays,
    auditRetentionDays: config.auditRetentionDays,
  });
  return { accounts, tokens, renderer };
}

/** With every template rendered once in every locale: what is missing shows at start, not in a user's mail. */
export function createMailRenderer(config: Config): MailRenderer {
  const renderer = new MailRenderer(TEMPLATES, { ...config.subjects });
  for (const mail of sampleMails(renderer.locales)) renderer.render(mail);
  return renderer;
}
