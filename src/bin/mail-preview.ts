// `npm run mail:preview`: writes every email with sample data to mail-preview/, to check the templates.
import "./node-version.ts";

import { mkdirSync, writeFileSync } from "node:fs";

import { openMailTemplates } from "../app/mail-templates.ts";
import { loadConfig, readEnvironment } from "../config/config.ts";

const { renderer, samples } = openMailTemplates(loadConfig(readEnvironment()));
for (const sample of samples) {
  const mail = renderer.render(sample);
  const folder = `mail-preview/${sample.locale}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/${sample.template}.html`, mail.html);
  writeFileSync(`${folder}/${sample.template}.txt`, `Subject: ${mail.subject}\n\n${mail.text}`);
  console.log(`${folder}/${sample.template}.html, .txt  ${mail.subject}`);
}
