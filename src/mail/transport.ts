// How a rendered mail leaves: SMTP, or .eml files in the mailbox folder of the default start. The only home of
// nodemailer.
import { createTransport, type Transporter } from "nodemailer";

import type { MailboxFolder } from "./mailbox-folder.ts";
import type { RenderedMail } from "./renderer.ts";

const SMTP_CONNECTIONS = 5;

/** How the connection to the SMTP server is secured: implicit TLS, required STARTTLS, or STARTTLS if offered. */
export type SmtpSecurity = "tls" | "starttls" | "opportunistic";

export interface SmtpSettings {
  readonly host: string;
  readonly port: number;
  readonly security: SmtpSecurity;
  /** Null if the SMTP server needs no authentication. */
  readonly auth: { readonly user: string; readonly pass: string } | null;
}

export interface MailTransport {
  /**
   * @param id makes the Message-ID, the same at each attempt, so that a mail sent twice is seen as one
   * @throws {Error} whose message holds no word of the mail
   */
  send(id: string, mail: RenderedMail): Promise<void>;
  close(): void;
}

export interface Sender {
  readonly name: string;
  readonly address: string;
}

/** Sends through an SMTP server, over pooled connections. */
export function smtpTransport(smtp: SmtpSettings, sender: Sender): MailTransport {
  const transporter = createTransport({
    pool: true,
    maxConnections: SMTP_CONNECTIONS,
    host: smtp.host,
    port: smtp.port,
    secure: smtp.security === "tls",
    requireTLS: smtp.security === "starttls",
    // Where TLS is only taken if offered, whoever could forge a certificate could as well hide the offer: refusing
    // would protect nothing and lose mail (RFC 7435).
    tls: { rejectUnauthorized: smtp.security !== "opportunistic" },
    ...(smtp.auth && { auth: smtp.auth }),
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 30_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send(id, mail) {
      try {
        await transporter.sendMail(message(id, mail, sender));
      } catch (error) {
        // Without its cause, which may quote the mail.
        // eslint-disable-next-line preserve-caught-error
        throw new Error(
          `the SMTP server ${smtp.host}:${smtp.port} did not take the mail: ${smtpFault(error)}`,
        );
      }
    },
    close: () => transporter.close(),
  };
}

/** Writes mails where they can be looked at, made by nodemailer just as those it sends. */
export function mailboxTransport(folder: MailboxFolder, sender: Sender): MailTransport {
  const transporter: Transporter = createTransport({ streamTransport: true, buffer: true });
  return {
    async send(id, mail) {
      const info = (await transporter.sendMail(message(id, mail, sender))) as { message: Buffer };
      await folder.add(info.message);
    },
    close: () => transporter.close(),
  };
}

function message(id: string, mail: RenderedMail, sender: Sender) {
  return {
    messageId: `<${id}@${sender.address.split("@")[1]}>`,
    from: { ...sender },
    // Never a string: nodemailer would parse it, and a crafted address could add recipients.
    to: { ...mail.to },
    subject: mail.subject,
    text: mail.text,
    html: mail.html,
    // RFC 3834: keeps vacation responders quiet.
    headers: { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All" },
  };
}

/**
 * The failed command and the server's code. Not its words: a filter's refusal may quote the mail, and with it
 * the token. Before the server has answered there is nothing of the mail yet, so Node's own message may stay.
 */
function smtpFault(error: unknown): string {
  const { code, command, response, responseCode, message } = error as {
    code?: string;
    command?: string;
    response?: string;
    responseCode?: number;
    message: string;
  };
  if (response === undefined) return `${code ?? "error"}, ${message}`;
  const enhanced = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(response)?.[1];
  return [code, command, responseCode, enhanced].filter((part) => part !== undefined).join(" ");
}
