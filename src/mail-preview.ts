// `npm run mail:preview`: writes every mail, filled with sample data, to mail-preview/ for a designer to look at.
import { mkdirSync, writeFileSync } from "node:fs";

import { SAMPLE_MAILS } from "./accounts/account-mails.ts";
import { createMailRenderer } from "./app.ts";
import { loadConfig, readEnvironment } from "./config.ts";

const folder = "mail-preview";
const renderer = createMailRenderer(loadConfig(readEnvironment()));
mkdirSync(folder, { recursive: true });
for (const [template, variables] of Object.entries(SAMPLE_MAILS)) {
  const mail = renderer.render({ template, to: { name: "ada", address: "ada@example.com" }, variables });
  writeFileSync(`${folder}/${template}.html`, mail.html);
  writeFileSync(`${folder}/${template}.txt`, `Subject: ${mail.subject}\n\n${mail.text}`);
  console.log(`${folder}/${template}.html, .txt  ${mail.subject}`);
}
