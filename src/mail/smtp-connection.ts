// One connection to the SMTP server, on which emails are sent one after the other. It knows at each moment whether the SMTP server may
// already have an email, so that no email is sent again that may have arrived.
import { Readable } from "node:stream";

import SMTPConnection from "nodemailer/lib/smtp-connection";

import type { PooledConnection } from "./connection-pool.ts";
import { MailFailure } from "./failure.ts";

/** How the connection to the SMTP server is secured: implicit TLS, required STARTTLS, or STARTTLS if offered. */
export type SmtpSecurity = "tls" | "starttls" | "opportunistic";

export interface SmtpSettings {
  readonly host: string;
  readonly port: number;
  readonly security: SmtpSecurity;
  /** Null if the SMTP server needs no authentication. */
  readonly auth: { readonly user: string; readonly pass: string } | null;
}

/** An email as it goes over the wire. */
export interface Letter {
  readonly envelope: { from: string | false; to: string[] };
  readonly message: Buffer;
}

/** An email on its way to the SMTP server. */
export interface Attempt {
  /** Resolves with the reply of the SMTP server once it has accepted the email. @throws {MailFailure} */
  readonly accepted: Promise<string>;
  /** Resolves as soon as the SMTP server may have the email. */
  readonly handedOver: Promise<void>;
}

/** From the name of the SMTP server to the end of STARTTLS: what every email needs, so that a failure is no email's own. */
const CONNECTED_WITHIN_MS = 30_000;
/** For each answer to the login. */
const LOGGED_IN_WITHIN_MS = 30_000;
/** For the answer to an email that the SMTP server has. Whoever gives up sooner sends it twice. RFC 5321 asks for ten minutes. */
export const ANSWERED_WITHIN_MS = 300_000;
/** Some SMTP servers end a connection after so many emails, at a moment of their own. */
const MAILS_A_CONNECTION = 100;

export class SmtpConnection implements PooledConnection {
  readonly #connection: SMTPConnection;
  readonly #where: string;
  #isOpen = true;
  #mails = 0;
  /** Ends the attempt under way, which would otherwise wait for the answer on a closed connection. */
  #abandon: () => void = () => undefined;

  private constructor(connection: SMTPConnection, where: string) {
    this.#connection = connection;
    this.#where = where;
    connection.once("end", () => (this.#isOpen = false));
  }

  /**
   * Connects, secures the connection and logs in.
   * @param where names the SMTP server in messages
   * @throws {MailFailure} of the kind `outage`
   */
  static async open(smtp: SmtpSettings, where: string): Promise<SmtpConnection> {
    const connection = new SMTPConnection({
      host: smtp.host,
      port: smtp.port,
      secure: smtp.security === "tls",
      requireTLS: smtp.security === "starttls",
      // With opportunistic TLS, an attacker who can forge a certificate can also hide the STARTTLS offer. Rejecting the
      // certificate would therefore protect nothing, and lose email (RFC 7435).
      tls: { rejectUnauthorized: smtp.security !== "opportunistic" },
      connectionTimeout: CONNECTED_WITHIN_MS,
      greetingTimeout: CONNECTED_WITHIN_MS,
      dnsTimeout: CONNECTED_WITHIN_MS,
      // The other phases have limits of their own, which do not begin anew with each byte.
      socketTimeout: ANSWERED_WITHIN_MS + LOGGED_IN_WITHIN_MS,
    });
    const opened = new SmtpConnection(connection, where);
    const { promise: failed, reject } = Promise.withResolvers<never>();
    failed.catch(() => undefined);
    connection.on("error", reject);
    connection.once("end", () => reject(new Error("the connection was closed")));
    try {
      await Promise.race([failed, called((done) => connection.connect(done))]);
      const { auth } = smtp;
      if (auth && connection.allowsAuth) {
        const limit = setTimeout(
          () => reject(new Error("no answer to the login in time")),
          LOGGED_IN_WITHIN_MS,
        );
        const credentials = { user: auth.user, pass: auth.pass };
        await Promise.race([failed, called((done) => connection.login({ credentials }, done))]).finally(() =>
          clearTimeout(limit),
        );
      }
      return opened;
    } catch (error) {
      connection.close();
      const { code, responseCode, response } = error as SmtpError;
      const isLogin = code === "EAUTH" && responseCode !== undefined;
      throw new MailFailure(
        "outage",
        `${where} ${isLogin ? "refuses the login" : "fails"}: ${faultOf(error)}`,
        {
          isLogin,
          reply: response,
        },
      );
    }
  }

  get isOpen(): boolean {
    return this.#isOpen && this.#mails < MAILS_A_CONNECTION;
  }

  /** @param withinMs in which the SMTP server must have taken all but its last answer */
  send({ envelope, message }: Letter, withinMs: number): Attempt {
    this.#mails += 1;
    const accepted = Promise.withResolvers<string>();
    const handedOver = Promise.withResolvers<undefined>();
    let hasMail = false;
    const giveUp = (failure: MailFailure) => {
      accepted.reject(failure);
      this.close();
    };
    let limit = setTimeout(
      () => giveUp(new MailFailure("slow", `${this.#where} took longer than ${withinMs / 1000} s`)),
      withinMs,
    );
    this.#abandon = () =>
      accepted.reject(new MailFailure(hasMail ? "unsure" : "stopped", "the connection was given up"));
    const content = new Readable({
      // Called once the SMTP server has taken the sender, the recipient and the command DATA, and not before.
      read: () => {
        if (hasMail) return;
        hasMail = true;
        clearTimeout(limit);
        limit = setTimeout(
          () =>
            giveUp(
              new MailFailure(
                "unsure",
                `${this.#where} has the email, and did not answer within ${ANSWERED_WITHIN_MS / 1000} s`,
              ),
            ),
          ANSWERED_WITHIN_MS,
        );
        handedOver.resolve(undefined);
        content.push(message);
        content.push(null);
      },
    });
    this.#connection.send(envelope, content, (error, info) => {
      if (error) accepted.reject(failureOf(error, hasMail, this.#where));
      else accepted.resolve(info.response);
    });
    return {
      accepted: accepted.promise.finally(() => clearTimeout(limit)),
      handedOver: handedOver.promise,
    };
  }

  close(): void {
    this.#isOpen = false;
    this.#connection.close();
    this.#abandon();
  }
}

/** What nodemailer adds to an error. */
interface SmtpError extends Error {
  readonly code?: string | undefined;
  readonly command?: string | undefined;
  readonly response?: string | undefined;
  readonly responseCode?: number | undefined;
}

function failureOf(error: SmtpError, hasMail: boolean, where: string): MailFailure {
  const { command, responseCode, code, response: reply } = error;
  const said = `${where} did not accept the email: ${faultOf(error)}`;
  if (responseCode !== undefined) {
    if (responseCode < 500) return new MailFailure("deferred", said, { reply });
    // The sender is the same for all emails.
    return new MailFailure(command === "MAIL FROM" ? "outage" : "refused", said, { reply });
  }
  // Refused by nodemailer itself: an address that SMTP cannot carry, or an email that is larger than the SMTP server takes.
  if (code === "EENVELOPE" || code === "EMESSAGE") return new MailFailure("refused", said);
  if (hasMail)
    return new MailFailure("unsure", `${where} has the email, and did not answer: ${faultOf(error)}`);
  return new MailFailure("deferred", said, { isCut: true });
}

/**
 * The failed command and the reply codes, but not the reply text: a spam filter may quote the email and its token. Without a reply, the
 * message is of Node or nodemailer; that about an address quotes it.
 */
function faultOf(error: unknown): string {
  const { code, command, response, responseCode, message } = error as SmtpError;
  if (response === undefined)
    return code === "EENVELOPE" ? `${code}, the address` : `${code ?? "error"}, ${message}`;
  const enhanced = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(response)?.[1];
  return [code, command, responseCode, enhanced].filter((part) => part !== undefined).join(" ");
}

function called(work: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => work((error) => (error ? reject(error) : resolve())));
}
