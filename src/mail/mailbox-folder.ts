// The mailbox, which keeps emails instead of sending them: a folder of .eml files, numbered in the order of sending.
import { randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import { link, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import PostalMime, { type Address } from "postal-mime";

/** An email as /mailbox shows it, with `to` and `from` as `Name <address>`, or the address alone. */
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

/** The folder, created with the first email. Emits `change` when an email is added and when the folder is cleared. */
export class MailboxFolder extends EventEmitter<{ change: [] }> {
  readonly #path: string;
  /** The last number used. Numbers are not reused, or an open page would take a new email for one that was deleted. */
  #last = 0;

  constructor(path: string) {
    super();
    this.setMaxListeners(0); // one for each open page
    this.#path = path;
  }

  /** Readable only by the user of the server, because emails contain links that log people in. */
  async add(message: Buffer): Promise<void> {
    await mkdir(this.#path, { recursive: true, mode: 0o700 });
    // Written completely before it gets its number, so that nobody reads an incomplete email.
    const draft = join(this.#path, `${randomUUID()}.draft`);
    try {
      await writeFile(draft, message, { mode: 0o600 });
      let number = (await this.#newest()) + 1;
      while (!(await linked(draft, join(this.#path, fileName(number))))) number += 1;
      this.#last = Math.max(this.#last, number);
    } finally {
      await rm(draft, { force: true }); // also one that a full disk has left empty
    }
    this.emit("change");
  }

  /** The email with its headers, as it would be sent; null if there is no email with this ID. */
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
    // Sequentially, because a process may not be able to open thousands of files at once.
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
/** False if another email, added at the same time, has taken the number. */
async function linked(draft: string, target: string): Promise<boolean> {
  try {
    await link(draft, target);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

const display = ({ name, address = "" }: Address) => (name === "" ? address : `${name} <${address}>`);
