// Delivers rendered emails over SMTP, or as .eml files to the mailbox folder. Composes with nodemailer.
import { setTimeout as delay } from "node:timers/promises";

import { createTransport, type Transporter } from "nodemailer";

import { ConnectionPool, type Gate } from "./connection-pool.ts";
import type { MailFailure } from "./failure.ts";
import type { MailboxFolder } from "./mailbox-folder.ts";
import type { Lane } from "./queue.ts";
import type { RenderedMail } from "./renderer.ts";
import { SmtpConnection, type Attempt, type Letter, type SmtpSettings } from "./smtp-connection.ts";

/** At once, for emails that take their time as usual, and for those that have been slow. */
const CONNECTIONS = { ordinary: 5, slow: 2 };
/**
 * For how long an email may take until the SMTP server has all of it. Who is slow leaves the ordinary lane, because a server that
 * hangs on some recipients must not keep the others waiting.
 */
const HANDED_OVER_WITHIN_MS = { ordinary: 10_000, slow: 120_000 };
/** In the ordinary lane, the place of an email goes to another if the SMTP server has it and does not answer for this long. */
const PATIENCE_MS = 10_000;
/** How many emails may wait for their answer outside of the lanes. More of them keep their places. */
const MAX_UNANSWERED = 40;
const TAKES_LONG = Symbol("takes long");

/** An email that the SMTP server has. */
export interface HandedOver {
  /** What the SMTP server said, or null if its answer takes long. */
  readonly reply: string | null;
  /** Resolves with what the SMTP server says once it has accepted the email. @throws {MailFailure} */
  readonly accepted: Promise<string>;
}

export interface MailTransport {
  /**
   * @param id determines the Message-ID, which is the same at each attempt so that an email sent twice shows up once
   * @returns once the email is accepted, or handed over and the answer takes long
   * @throws {MailFailure} with a message that contains nothing from the email, not even its address
   */
  send(id: string, mail: RenderedMail, lane: Lane): Promise<HandedOver>;
  /**
   * Connects and logs in, but sends nothing. After an outage, nothing is sent before this has succeeded.
   * @throws {MailFailure} of the kind `outage`
   */
  check(): Promise<void>;
  /** Sends no more than what is under way. */
  refuseMore(): void;
  /** Ends what is under way: `stopped` if the SMTP server cannot have the email, else `unsure`. */
  giveBack(): void;
  /** Closes every connection. */
  close(): void;
}

/** Sends emails through an SMTP server, from `senderAddress`. */
export function smtpTransport(smtp: SmtpSettings, senderAddress: string): MailTransport {
  const where = `the SMTP server ${smtp.host}:${smtp.port}`;
  const composer = createTransport({ streamTransport: true, buffer: true, newline: "windows" });
  const open = () => SmtpConnection.open(smtp, where);
  const gate: Gate = { failure: null };
  const pools = {
    ordinary: new ConnectionPool({ max: CONNECTIONS.ordinary, open, gate }),
    slow: new ConnectionPool({ max: CONNECTIONS.slow, open, gate }),
  };
  const busy = new Set<SmtpConnection>();
  let unanswered = 0;

  async function send(id: string, mail: RenderedMail, lane: Lane): Promise<HandedOver> {
    const letter = (await composer.sendMail(message(id, mail, senderAddress))) as Letter;
    const pool = pools[lane];
    for (;;) {
      const { connection, isReused } = await pool.acquire();
      busy.add(connection);
      const attempt = connection.send(letter, HANDED_OVER_WITHIN_MS[lane]);
      const outcome = await firstOf(attempt, lane);
      if (outcome === TAKES_LONG) {
        unanswered += 1;
        pool.detach();
        const accepted = attempt.accepted.finally(() => {
          unanswered -= 1;
          busy.delete(connection);
          connection.close();
        });
        accepted.catch(() => undefined); // whoever waits for it hears of it
        return { reply: null, accepted };
      }
      busy.delete(connection);
      if (typeof outcome === "string") {
        pool.release(connection);
        return { reply: outcome, accepted: attempt.accepted };
      }
      pool.discard(connection);
      // The SMTP server ended an idle connection at this very moment.
      if (isReused && outcome.isCut) continue;
      throw outcome;
    }
  }

  /** What comes first: the answer, or the end of patience with a server that has the email. */
  async function firstOf(
    { accepted, handedOver }: Attempt,
    lane: Lane,
  ): Promise<string | MailFailure | typeof TAKES_LONG> {
    const answer = accepted.catch((error: unknown) => error as MailFailure);
    if (lane === "slow") return answer;
    if (!(await Promise.race([handedOver.then(() => true), answer.then(() => false)]))) return answer;
    const patience = new AbortController();
    const outcome = await Promise.race([answer, delay(PATIENCE_MS, TAKES_LONG, { signal: patience.signal })]);
    patience.abort();
    return outcome === TAKES_LONG && unanswered >= MAX_UNANSWERED ? answer : outcome;
  }

  return {
    send,
    // By a new connection: an idle one may be as dead as the SMTP server, and nobody has noticed yet.
    async check() {
      (await open()).close();
      gate.failure = null;
    },
    refuseMore() {
      for (const pool of Object.values(pools)) pool.close();
    },
    giveBack() {
      for (const connection of busy) connection.close();
    },
    close() {
      this.refuseMore();
      this.giveBack();
      composer.close();
    },
  };
}

/** Writes emails to the mailbox folder, composed by nodemailer exactly like those it sends. */
export function mailboxTransport(folder: MailboxFolder, senderAddress: string): MailTransport {
  const transporter: Transporter = createTransport({ streamTransport: true, buffer: true });
  return {
    async send(id, mail) {
      const info = (await transporter.sendMail(message(id, mail, senderAddress))) as { message: Buffer };
      await folder.add(info.message);
      const reply = "kept in the mailbox";
      return { reply, accepted: Promise.resolve(reply) };
    },
    check: () => Promise.resolve(),
    refuseMore: () => undefined,
    giveBack: () => undefined,
    close: () => transporter.close(),
  };
}

function message(id: string, mail: RenderedMail, senderAddress: string) {
  return {
    messageId: `<${id}@${senderAddress.split("@")[1]}>`,
    // Never a string: nodemailer would parse it, and a crafted address could add recipients.
    from: { name: mail.senderName, address: senderAddress },
    to: { ...mail.to },
    subject: mail.subject,
    text: mail.text,
    html: mail.html,
    // Prevents out-of-office replies (RFC 3834).
    headers: { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All" },
  };
}
