// The mailbox of the default start: a folder of .eml files, numbered in the order of sending.
import { randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import { link, mkdir, readdir, readFile, rm, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

import PostalMime, { type Address } from "postal-mime";

/** A mail as /mailbox shows it; `to` and `from` as `Name <address>`. */
export interface MailboxMessage {
  readonly id: string;
  readonly to: string;
  readonly from: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** ISO 8601. */
  readonly date: string;
}

/** The folder, which need not exist before the first mail; `change` tells of every mail that comes, and of clearing. */
export class MailboxFolder extends EventEmitter<{ change: [] }> {
  readonly #path: string;
  /** The number given last; none is given twice, or a page that is open would take a new mail for one that was cleared. */
  #last = 0;

  constructor(path: string) {
    super();
    this.setMaxListeners(0); // one for each page that is open
    this.#path = path;
  }

  /** Mails hold links that sign people in, so nobody else on the machine may read them. */
  async add(message: Buffer): Promise<void> {
    await mkdir(this.#path, { recursive: true, mode: 0o700 });
    // Written whole before it gets its number, so that no reader meets half a mail.
    const draft = join(this.#path, `${randomUUID()}.draft`);
    await writeFile(draft, message, { mode: 0o600 });
    try {
      let number = (await this.#newest()) + 1;
      while (!(await linked(draft, join(this.#path, fileName(number))))) number += 1;
      this.#last = Math.max(this.#last, number);
    } finally {
      await unlink(draft);
    }
    this.emit("change");
  }

  /** The mail as it was sent, headers and all; null if there is none of that id. */
  async source(id: string): Promise<string | null> {
    const name = (await this.#names()).find((candidate) => candidate === `${id}.eml`);
    return name === undefined ? null : readFile(join(this.#path, name), "utf8");
  }

  async clear(): Promise<void> {
    this.#last = await this.#newest();
    await Promise.all((await this.#names()).map((name) => rm(join(this.#path, name), { force: true })));
    this.emit("change");
  }

  /** Newest first. */
  async messages(): Promise<MailboxMessage[]> {
    const names = (await this.#names()).sort().reverse();
    const messages: MailboxMessage[] = [];
    // One after the other: thousands of files at once are more than a process may open.
    for (const name of names) messages.push(await this.#read(name));
    return messages;
  }

  async #read(name: string): Promise<MailboxMessage> {
    const mail = await PostalMime.parse(await readFile(join(this.#path, name)));
    return {
      id: name.replace(/\.eml$/, ""),
      to: (mail.to ?? []).map(display).join(", "),
      from: mail.from ? display(mail.from) : "",
      subject: mail.subject ?? "",
      text: mail.text ?? "",
      html: mail.html ?? "",
      date: mail.date ?? "",
    };
  }

  async #newest(): Promise<number> {
    return Math.max(this.#last, ...(await this.#names()).map((name) => parseInt(name, 10)));
  }

  async #names(): Promise<string[]> {
    try {
      return (await readdir(this.#path)).filter((name) => /^\d+\.eml$/.test(name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }
}

const fileName = (number: number) => `${String(number).padStart(8, "0")}.eml`;
/** False if another mail, sent at the same time, has got the number. */
async function linked(draft: string, target: string): Promise<boolean> {
  try {
    await link(draft, target);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

const display = ({ name, address }: Address) => `${name} <${address ?? ""}>`;
