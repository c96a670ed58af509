// The mailbox, which shows emails instead of sending them: a page at /mailbox, and for programs the messages as JSON, their
// sources, an event stream, and deletion.
import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";
import { PassThrough } from "node:stream";

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import type { MailboxFolder } from "../mail/mailbox-folder.ts";
import { isLoopback } from "./client-address.ts";
import { httpError } from "./errors.ts";
import { isOwnConnection } from "./own-connection.ts";
import { servePage } from "./web-pages.ts";

export interface MailboxParts {
  readonly folder: MailboxFolder;
  readonly hasWebClient: boolean;
}

export function serveMailbox(http: FastifyInstance, { folder, hasWebClient }: MailboxParts): void {
  // The emails contain links that log people in, so whoever reads them must be the person who started the server.
  http.addHook("onRequest", async ({ headers, raw }, reply) => {
    if (isLocalName(headers.host) && !isForwarded(headers) && (await isOwnConnection(raw.socket))) return;
    return reply.code(403).send(httpError(403, REFUSAL));
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

const REFUSAL =
  "The mailbox is only for the user who runs the server, on the same machine, at the host name localhost and not through " +
  "a proxy. To read emails elsewhere, set MAIL_SERVER.";

/** DNS rebinding: a page of another site could point its own host name to this server and read the emails. */
function isLocalName(host: string | undefined): boolean {
  if (host === undefined) return false;
  const name = new URL(`http://${host}`).hostname.replace(/^\[(.*)\]$/, "$1");
  return name === "localhost" || (isIP(name) !== 0 && isLoopback(name));
}

/** Whether a proxy says that it passes on somebody else's request. */
function isForwarded(headers: IncomingHttpHeaders): boolean {
  return Object.keys(headers).some((name) => /^(?:forwarded|via|x-real-ip|x-forwarded-.*)$/.test(name));
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
  events.write(": listening\n\n");
  return reply.type("text/event-stream").send(events);
}
