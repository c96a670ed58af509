// A page that the server writes itself, script included: the mailbox and GraphiQL.
import { randomBytes } from "node:crypto";

import type { FastifyReply } from "fastify";

/**
 * Sends a page with a nonce of this answer's own: only its one script, which bears it, runs. Pages that take tokens are
 * kept nowhere, name nobody as their referrer, and stand in no frame.
 */
export function sendPage(reply: FastifyReply, html: string, sources = ""): FastifyReply {
  const nonce = randomBytes(16).toString("base64");
  return reply
    .type("text/html; charset=utf-8")
    .header(
      "content-security-policy",
      `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; ` +
        `${sources}base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    )
    .send(html.replace("<script>", `<script nonce="${nonce}">`));
}
