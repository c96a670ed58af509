// Where every server's mails go.
import { EventEmitter, once } from "node:events";

import { HelperProcess } from "./helper-process.ts";
import type { TakenMail } from "./smtp-sink-program.ts";

const PATIENCE_MS = 60_000;

export class SmtpSink {
  readonly port: number;
  readonly #helper: HelperProcess;
  readonly #events = new EventEmitter();
  /** When each came. */
  #arrivals: number[] = [];
  /** By recipient, the first with a link. */
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

  /** The first mail with a link to `recipient`, now or as soon as it comes. */
  async mailTo(recipient: string): Promise<TakenMail> {
    const [mail] = await this.mailsTo([recipient]);
    return mail!;
  }

  /** The first mail with a link to each of them, in order, once all have come. */
  async mailsTo(recipients: readonly string[]): Promise<TakenMail[]> {
    await this.#until(() => recipients.filter((recipient) => !this.#taken.has(recipient)).length);
    return recipients.map((recipient) => this.#taken.get(recipient)!);
  }

  /** When so many mails came, links or not: milliseconds since the epoch. */
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

  /** Forgets what has come, so that the next mail to somebody is the first. */
  forget(): void {
    this.#taken.clear();
    this.#arrivals = [];
  }

  /** Takes no mail until `release`. */
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
