// Delivers rendered emails over SMTP, or as .eml files to the mailbox folder. The only file that imports nodemailer.
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
   * @param id determines the Message-ID, which is the same at each attempt so that an email sent twice shows up once
   * @throws {Error} with a message that contains nothing from the email
   */
  send(id: string, mail: RenderedMail): Promise<void>;
  close(): void;
}

export interface Sender {
  readonly name: string;
  readonly address: string;
}

/** Sends emails through an SMTP server with a connection pool. */
export function smtpTransport(smtp: SmtpSettings, sender: Sender): MailTransport {
  const transporter = createTransport({
    pool: true,
    maxConnections: SMTP_CONNECTIONS,
    host: smtp.host,
    port: smtp.port,
    secure: smtp.security === "tls",
    requireTLS: smtp.security === "starttls",
    // With opportunistic TLS, an attacker who can forge a certificate can also hide the STARTTLS offer. Rejecting the
    // certificate would therefore protect nothing, and lose email (RFC 7435).
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
        // The cause is left out, because it may quote the email.
        // eslint-disable-next-line preserve-caught-error
        throw new Error(
          `the SMTP server ${smtp.host}:${smtp.port} did not accept the email: ${smtpFault(error)}`,
        );
      }
    },
    close: () => transporter.close(),
  };
}

/** Writes emails to the mailbox folder, composed by nodemailer exactly like those it sends. */
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
    // Prevents out-of-office replies (RFC 3834).
    headers: { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All" },
  };
}

/**
 * The failed command and the reply codes, but not the reply text: a spam filter may quote the email and its token. Without a
 * reply, the server has not seen the email yet, so the error message is safe.
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
