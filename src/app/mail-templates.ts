// The mails' templates, checked at start: what is missing shows then, not in a user's mail.
import { fileURLToPath } from "node:url";

import { sampleMails } from "../accounts/mails/compose.ts";
import type { Config } from "../config/config.ts";
import { MailRenderer, type MailToRender } from "../mail/renderer.ts";

const TEMPLATES = fileURLToPath(new URL("../../templates", import.meta.url));

/**
 * Every template, compiled and rendered once with sample data in every locale.
 * @throws {Error} naming a template that is missing or cannot be rendered
 */
export function openMailTemplates(config: Config): { renderer: MailRenderer; samples: MailToRender[] } {
  const renderer = new MailRenderer(TEMPLATES, { ...config.subjects });
  const samples = sampleMails(renderer.locales);
  for (const mail of samples) renderer.render(mail);
  return { renderer, samples };
}
