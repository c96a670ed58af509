// DNS rebinding: a page of another site can point its own host name to a developer's server, and then use it like a page of the
// server's own. In production the server is public anyway, and a proxy in front of it knows its names.
import { isIP } from "node:net";

import type { FastifyInstance } from "fastify";

import { httpError, isGraphQL } from "./errors.ts";

/**
 * Refuses /graphql to host names that anybody can own: all but localhost, names without a dot (of a container or of a machine of
 * the local network), IP addresses, and the one on which the server listens.
 */
export function refuseRebinding(http: FastifyInstance, listensOn: string): void {
  http.addHook("onRequest", async (request, reply) => {
    const { host } = request.headers;
    if (host === undefined || !isGraphQL(request)) return;
    const { hostname } = new URL(`http://${host}`);
    const isAddress = isIP(hostname.replace(/^\[|\]$/g, "")) !== 0;
    const isLocal = !hostname.includes(".") || hostname.endsWith(".localhost");
    if (isAddress || isLocal || hostname === listensOn.toLowerCase()) return;
    const message =
      `In development, the server does not answer to the host name ${hostname}, because a page of another site could use it ` +
      "(DNS rebinding). Use localhost or an IP address, set HOST to the name, or set NODE_ENV=production.";
    return reply.code(403).send(httpError(403, message));
  });
}
