// The mails of the default start: a page at /mailbox, and for programs JSON, sources, live news and a way to clear.
import { PassThrough } from "node:stream";

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import type { MailboxFolder } from "../mail/mailbox-folder.ts";
import { httpError } from "./errors.ts";
import { servePage } from "./web-pages.ts";

export interface MailboxParts {
  readonly folder: MailboxFolder;
  /** Where the server listens; one of the names by which the mailbox answers. */
  readonly host: string;
  readonly hasWebClient: boolean;
}

export function serveMailbox(http: FastifyInstance, { folder, host, hasWebClient }: MailboxParts): void {
  // A page of another site could let its own name point here, and read the mails as if they were its own (DNS rebinding).
  const names = ["localhost", "127.0.0.1", "[::1]", host.toLowerCase(), `[${host.toLowerCase()}]`];
  http.addHook("onRequest", async ({ headers }, reply) => {
    if (headers.host !== undefined && names.includes(new URL(`http://${headers.host}`).hostname)) return;
    return reply.code(403).send(httpError(403, `The mailbox answers at localhost and ${host} only.`));
  });

  servePage(http, "/mailbox", {
    file: "mailbox.html",
    settings: { hasWebClient },
    // For the mails: the frame that shows them inherits this policy.
    styles: "'self' 'unsafe-inline'",
    images: "'self' data:",
  });
  http.get("/mailbox/messages", () => folder.messages());
  http.get<{ Params: { id: string } }>("/mailbox/messages/:id/source", async ({ params }, reply) => {
    const source = await folder.source(params.id);
    if (source === null) return reply.code(404).send(httpError(404, `There is no mail ${params.id}.`));
    return reply.type("text/plain; charset=utf-8").send(source);
  });
  http.delete("/mailbox/messages", async (_request, reply) => {
    await folder.clear();
    return reply.code(204).send();
  });

  const open = new Set<PassThrough>();
  http.get("/mailbox/events", (request, reply) => sendEvents(request, reply, folder, open));
  // A page that listens is a request that never ends by itself; the server's end does not wait for it.
  http.addHook("preClose", (done) => {
    for (const events of open) events.end();
    done();
  });
}

/** Server-sent events: `change` at every change of the folder. */
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
  events.write(": listening\n\n");
  return reply.type("text/event-stream").send(events);
}
