// An SMTP server that accepts and reports every email, and makes emails wait while it is held. It reports its port first.
import type { AddressInfo } from "node:net";

import PostalMime from "postal-mime";
import { SMTPServer } from "smtp-server";

export interface TakenMail {
  /** In lower case. */
  readonly recipient: string;
  /** When the email was accepted, in milliseconds since the epoch. */
  readonly at: number;
  /** The token of the link; empty if there is no link. */
  readonly token: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

let held: PromiseWithResolvers<undefined> | undefined;

const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ["STARTTLS"],
  onMailFrom: (_address, _session, callback) => {
    if (held) void held.promise.then(() => callback());
    else callback();
  },
  onData: (stream, session, callback) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const recipient = session.envelope.rcptTo[0]?.address.toLowerCase() ?? ""; // cleared by the reply
      const at = Date.now();
      callback();
      void tell(Buffer.concat(chunks), recipient, at);
    });
  },
});
server.on("error", () => undefined); // a client closed the connection
server.listen(0, "127.0.0.1", () => {
  process.send?.((server.server.address() as AddressInfo).port);
});

process.on("disconnect", () => process.exit());
process.on("message", (message: "hold" | "release") => {
  if (message === "hold") held = Promise.withResolvers();
  else {
    held?.resolve(undefined);
    held = undefined;
  }
});

async function tell(raw: Buffer, recipient: string, at: number): Promise<void> {
  const { subject = "", text = "", html = "" } = await PostalMime.parse(raw);
  const token = /token=([\w.%-]+)/.exec(text || html)?.[1] ?? "";
  process.send?.({ recipient, at, token, subject, text, html } satisfies TakenMail);
}
