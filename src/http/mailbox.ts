// The mailbox, which shows emails instead of sending them: a page at /mailbox, and for programs the messages as JSON, their
// sources, an event stream, and deletion.
import { PassThrough } from "node:stream";

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import type { MailboxFolder } from "../mail/mailbox-folder.ts";
import { httpError } from "./errors.ts";
import { servePage } from "./web-pages.ts";

export interface MailboxParts {
  readonly folder: MailboxFolder;
  /** The host name on which the server listens, which the mailbox accepts as a Host header. */
  readonly host: string;
  readonly hasWebClient: boolean;
}

export function serveMailbox(http: FastifyInstance, { folder, host, hasWebClient }: MailboxParts): void {
  // DNS rebinding: a page of another site could point its own host name to this server and read the emails.
  const names = ["localhost", "127.0.0.1", "[::1]", host.toLowerCase(), `[${host.toLowerCase()}]`];
  http.addHook("onRequest", async ({ headers }, reply) => {
    if (headers.host !== undefined && names.includes(new URL(`http://${headers.host}`).hostname)) return;
    return reply.code(403).send(httpError(403, `The mailbox is available only at localhost and ${host}.`));
  });

  servePage(http, "/mailbox", {
    file: "mailbox.html",
    settings: { hasWebClient },
    // The frame that shows an email inherits this policy, and emails contain inline styles and images.
    styles: "'self' 'unsafe-inline'",
    images: "'self' data:",
  });
  http.get("/mailbox/messages", () => folder.messages());
  http.get<{ Params: { id: string } }>("/mailbox/messages/:id/source", async ({ params }, reply) => {
    const source = await folder.source(params.id);
    if (source === null)
      return reply.code(404).send(httpError(404, `The mailbox has no email ${params.id}.`));
    return reply.type("text/plain; charset=utf-8").send(source);
  });
  http.delete("/mailbox/messages", async (_request, reply) => {
    await folder.clear();
    return reply.code(204).send();
  });

  const open = new Set<PassThrough>();
  http.get("/mailbox/events", (request, reply) => sendEvents(request, reply, folder, open));
  // An event stream never ends by itself, and the server waits for open requests when it stops.
  http.addHook("preClose", (done) => {
    for (const events of open) events.end();
    done();
  });
}

/** Sends the server-sent event `change` whenever the folder changes. */
function sendEvents(
  request: FastifyRequest,
  reply: FastifyReply,
  folder: MailboxFolder,
  open: Set<PassThrough>,
) {
  const events = new PassThrough();
  const tell = () => events.write("event: change\ndata:\n\n");
  open.add(events);
  folder.on("change", tell);
  request.raw.once("close", () => {
    folder.off("change", tell);
    open.delete(events);
  });
  request.raw.socket.setTimeout(0); // nothing moves until an email arrives
  events.write(": listening\n\n");
  return reply.type("text/event-stream").send(events);
}
