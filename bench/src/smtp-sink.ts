// The SMTP server that receives the emails of all servers.
import { EventEmitter, once } from "node:events";

import { HelperProcess } from "./helper-process.ts";
import type { TakenMail } from "./smtp-sink-program.ts";

const PATIENCE_MS = 60_000;

export class SmtpSink {
  readonly port: number;
  readonly #helper: HelperProcess;
  readonly #events = new EventEmitter();
  /** When each email arrived. */
  #arrivals: number[] = [];
  /** The first email with a link, by recipient. */
  readonly #taken = new Map<string, TakenMail>();

  private constructor(helper: HelperProcess) {
    this.#helper = helper;
    this.port = helper.greeting as number;
    helper.child.on("message", (mail: TakenMail) => {
      this.#arrivals.push(mail.at);
      if (mail.token !== "" && !this.#taken.has(mail.recipient)) this.#taken.set(mail.recipient, mail);
      this.#events.emit("mail");
    });
    this.#events.setMaxListeners(0);
  }

  static async start(): Promise<SmtpSink> {
    return new SmtpSink(await HelperProcess.start("smtp-sink-program.ts"));
  }

  /** The first email with a link to `recipient`. Waits until it arrives. */
  async mailTo(recipient: string): Promise<TakenMail> {
    const [mail] = await this.mailsTo([recipient]);
    return mail!;
  }

  /** The first email with a link to each recipient, in the same order. Waits until all have arrived. */
  async mailsTo(recipients: readonly string[]): Promise<TakenMail[]> {
    await this.#until(() => recipients.filter((recipient) => !this.#taken.has(recipient)).length);
    return recipients.map((recipient) => this.#taken.get(recipient)!);
  }

  /** Waits for this many emails, with or without links, and returns when each arrived, in milliseconds since the epoch. */
  async arrivals(count: number): Promise<number[]> {
    await this.#until(() => count - this.#arrivals.length);
    return this.#arrivals.slice(0, count);
  }

  async #until(missing: () => number): Promise<void> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    while (missing() > 0) {
      try {
        await once(this.#events, "mail", { signal });
      } catch {
        throw new Error(`${missing()} mails did not come within a minute.`);
      }
    }
  }

  /** Forgets all emails, so that the next one to a recipient is the first again. */
  forget(): void {
    this.#taken.clear();
    this.#arrivals = [];
  }

  /** Accepts no email until `release`. */
  hold(): void {
    this.#helper.child.send("hold");
  }

  release(): void {
    this.#helper.child.send("release");
  }

  stop(): Promise<void> {
    return this.#helper.stop();
  }
}
