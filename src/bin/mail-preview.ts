// `npm run mail:preview`: writes every email with sample data to mail-preview/, to check the templates.
import "./node-version.ts";

import { mkdirSync, writeFileSync } from "node:fs";

import { sampleMails } from "../accounts/mails/account-mails.ts";
import { createMailRenderer } from "../app/compose-accounts.ts";
import { loadConfig, readEnvironment } from "../config/config.ts";

const renderer = createMailRenderer(loadConfig(readEnvironment()));
for (const sample of sampleMails(renderer.locales)) {
  const mail = renderer.render(sample);
  const folder = `mail-preview/${sample.locale}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/${sample.template}.html`, mail.html);
  writeFileSync(`${folder}/${sample.template}.txt`, `Subject: ${mail.subject}\n\n${mail.text}`);
  console.log(`${folder}/${sample.template}.html, .txt  ${mail.subject}`);
}
