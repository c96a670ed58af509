// nodemailer alone, with the same connection pool as the account server: the upper limit for sending emails.
import { createTransport } from "nodemailer";

export interface MailsToSend {
  readonly smtpPort: number;
  readonly connections: number;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly count: number;
  /** Whether to send as fast as the connections allow, instead of one email after the other. */
  readonly atOnce: boolean;
}

/** When each email was passed to nodemailer, in milliseconds since the epoch. */
export type SentMails = number[];

process.on("disconnect", () => process.exit());
process.on("message", (order: MailsToSend) => {
  void send(order).then((sent) => process.send?.(sent));
});
process.send?.("ready");

async function send(order: MailsToSend): Promise<SentMails> {
  const { smtpPort, connections, subject, text, html, count, atOnce } = order;
  const transport = createTransport({
    pool: true,
    maxConnections: connections,
    host: "127.0.0.1",
    port: smtpPort,
  });
  const handedOver: number[] = [];
  const one = (index: number) => {
    handedOver.push(Date.now());
    return transport.sendMail({
      from: { name: "Bench", address: "bench@bench.test" },
      to: { name: `limit${index}`, address: `limit${index}@bench.test` },
      subject,
      text,
      html,
    });
  };
  if (atOnce) await Promise.all(Array.from({ length: count }, (_, index) => one(index)));
  else for (let index = 0; index < count; index += 1) await one(index);
  transport.close();
  return handedOver;
}
