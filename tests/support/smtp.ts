// A real SMTP server that keeps what it is sent, and can refuse.
import { EventEmitter, once } from "node:events";
import type { AddressInfo } from "node:net";

import PostalMime, { type Email } from "postal-mime";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";

export interface ReceivedMail {
  /** As given to RCPT TO, in lower case. */
  readonly recipients: string[];
  readonly mail: Email;
  readonly raw: string;
}

export class SmtpCatcher {
  readonly received: ReceivedMail[] = [];
  /** While set, every mail is refused with this line, such as "451 4.3.0 try again later". */
  refusal: string | null = null;
  /** How many mails were refused. */
  refused = 0;
  port = 0;
  readonly #events = new EventEmitter();
  readonly #server: SMTPServer;

  private constructor(options: SMTPServerOptions) {
    this.#server = new SMTPServer({
      authOptional: true,
      ...options,
      onData: (stream, session, callback) => {
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("end", () => {
          if (this.refusal) {
            this.refused += 1;
            this.#events.emit("refused");
            const [code, ...words] = this.refusal.split(" ");
            callback(Object.assign(new Error(words.join(" ")), { responseCode: Number(code) }));
            return;
          }
          const raw = Buffer.concat(chunks).toString();
          void PostalMime.parse(raw).then((mail) => {
            this.received.push({
              recipients: session.envelope.rcptTo.map(({ address }) => address.toLowerCase()),
              mail,
              raw,
            });
            callback();
            this.#events.emit("mail");
          });
        });
      },
    });
    this.#server.on("error", () => undefined); // a client that hangs up is no failure of the test
  }

  static async start(options: SMTPServerOptions = {}): Promise<SmtpCatcher> {
    const catcher = new SmtpCatcher(options);
    await new Promise<void>((resolve) => catcher.#server.listen(0, "127.0.0.1", resolve));
    catcher.port = (catcher.#server.server.address() as AddressInfo).port;
    return catcher;
  }

  /** The first mail to `recipient` that `matches`, now or as soon as it arrives. */
  async mailTo(
    recipient: string,
    matches: (mail: ReceivedMail) => boolean = () => true,
  ): Promise<ReceivedMail> {
    for (;;) {
      const found = this.received.find(
        (mail) => mail.recipients.includes(recipient.toLowerCase()) && matches(mail),
      );
      if (found) return found;
      await once(this.#events, "mail", { signal: AbortSignal.timeout(25_000) });
    }
  }

  /** Resolves once `count` mails have arrived. */
  async mails(count: number): Promise<ReceivedMail[]> {
    while (this.received.length < count)
      await once(this.#events, "mail", { signal: AbortSignal.timeout(25_000) });
    return this.received;
  }

  async nextRefusal(): Promise<void> {
    await once(this.#events, "refused", { signal: AbortSignal.timeout(25_000) });
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(resolve));
  }
}

/** The link of a mail: the first URL of its text. */
export function linkIn({ mail }: ReceivedMail): string {
  const link = /https?:\/\/\S+/.exec(mail.text ?? "")?.[0];
  if (!link) throw new Error(`no link in "${mail.subject}"`);
  return link;
}

export function tokenIn(mail: ReceivedMail): string {
  return linkIn(mail).split("token=")[1] ?? "";
}
