// A real SMTP server that keeps what it is sent, and can refuse, hang, be slow and drop connections.
import { EventEmitter, once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo, Socket } from "node:net";

import PostalMime, { type Email } from "postal-mime";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";

/** Self-signed for localhost and 127.0.0.1; a client must be told to trust it. */
export const CERTIFICATE = readFileSync("tests/fixtures/smtp-certificate.pem", "utf8");
const KEY = readFileSync("tests/fixtures/smtp-key.pem", "utf8");

export interface ReceivedMail {
  /** As given to RCPT TO, in lower case. */
  readonly recipients: string[];
  readonly mail: Email;
  readonly raw: string;
}

export class SmtpCatcher {
  readonly received: ReceivedMail[] = [];
  /** While set, every mail is refused with this line, such as "451 4.3.0 try again later", or the one made of it; null takes it. */
  refusal: string | ((mail: ReceivedMail) => string | null) | null = null;
  /** Answers RCPT TO with what this returns or resolves with: a refusal, such as "550 5.1.1 nobody", or null for yes. */
  atRecipient: (address: string) => string | null | Promise<string | null> = () => null;
  /** Every address of a RCPT TO, in lower case. */
  readonly recipients: string[] = [];
  /** Once a mail is there, before the answer to it: what this returns is awaited, and "drop" ends the connection. */
  beforeAnswer: (mail: ReceivedMail) => Promise<unknown> | "drop" | undefined = () => undefined;
  /** The mails that were refused. */
  readonly refusedMails: ReceivedMail[] = [];
  /** The mails after which the connection was dropped. */
  readonly dropped: ReceivedMail[] = [];
  port = 0;
  #held: Promise<void> | undefined;
  readonly #events = new EventEmitter();
  readonly #server: SMTPServer;

  private constructor(options: SMTPServerOptions) {
    this.#server = new SMTPServer({
      authOptional: true,
      cert: CERTIFICATE,
      key: KEY,
      onRcptTo: ({ address }, _session, callback) => {
        this.recipients.push(address.toLowerCase());
        this.#events.emit("recipient");
        void Promise.resolve(this.atRecipient(address.toLowerCase())).then((refusal) =>
          refusal === null ? callback() : callback(smtpError(refusal)),
        );
      },
      ...options,
      onData: (stream, session, callback) => {
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("end", () => {
          const raw = Buffer.concat(chunks).toString();
          void PostalMime.parse(raw).then(async (parsed) => {
            this.#events.emit("taken");
            await this.#held;
            const mail = {
              recipients: session.envelope.rcptTo.map(({ address }) => address.toLowerCase()),
              mail: parsed,
              raw,
            };
            const before = this.beforeAnswer(mail);
            if (before === "drop") {
              this.dropped.push(mail);
              this.#drop(session.id);
              return;
            }
            await before;
            const refusal = typeof this.refusal === "function" ? this.refusal(mail) : this.refusal;
            if (refusal !== null) {
              this.refusedMails.push(mail);
              callback(smtpError(refusal));
              this.#events.emit("refused");
              return;
            }
            this.received.push(mail);
            callback();
            this.#events.emit("mail");
          });
        });
      },
    });
    this.#server.on("error", () => undefined); // a client that hangs up is no failure of the test
  }

  static async start(options: SMTPServerOptions = {}, port = 0): Promise<SmtpCatcher> {
    const catcher = new SmtpCatcher(options);
    await new Promise<void>((resolve) => catcher.#server.listen(port, "127.0.0.1", resolve));
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
      await once(this.#events, "mail", { signal: AbortSignal.timeout(45_000) });
    }
  }

  /** Resolves once `count` mails have arrived. */
  async mails(count: number): Promise<ReceivedMail[]> {
    while (this.received.length < count)
      await once(this.#events, "mail", { signal: AbortSignal.timeout(45_000) });
    return this.received;
  }

  /** Resolves once `count` mails have been refused. */
  async refusals(count: number): Promise<ReceivedMail[]> {
    while (this.refusedMails.length < count)
      await once(this.#events, "refused", { signal: AbortSignal.timeout(45_000) });
    return this.refusedMails;
  }

  /** Resolves once there have been `count` RCPT TO for addresses that match. */
  async asked(pattern: RegExp, count = 1): Promise<void> {
    while (this.recipients.filter((address) => pattern.test(address)).length < count)
      await once(this.#events, "recipient", { signal: AbortSignal.timeout(45_000) });
  }

  /** Answers no mail until `release`; `taken` resolves once one waits for its answer. */
  hold(): { taken: Promise<unknown>; release: () => void } {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#held = promise.then(() => {
      this.#held = undefined;
    });
    return {
      taken: once(this.#events, "taken", { signal: AbortSignal.timeout(45_000) }),
      release: () => resolve(undefined),
    };
  }

  #drop(sessionId: string): void {
    // smtp-server has no other way to its sockets.
    for (const connection of this.#server.connections as unknown as Set<{ id: string; _socket: Socket }>)
      if (connection.id === sessionId) connection._socket.destroy();
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(resolve));
  }
}

function smtpError(refusal: string): Error {
  const [code, ...words] = refusal.split(" ");
  return Object.assign(new Error(words.join(" ")), { responseCode: Number(code) });
}

/** The link of a mail: the first URL of its text. */
export function linkIn({ mail }: ReceivedMail): string {
  const link = /^[a-z][a-z0-9+.-]*:\S+$/im.exec(mail.text ?? "")?.[0];
  if (!link) throw new Error(`no link in "${mail.subject}"`);
  return link;
}

export function tokenIn(mail: ReceivedMail): string {
  return linkIn(mail).split("token=")[1] ?? "";
}
