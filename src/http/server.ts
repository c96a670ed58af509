// The HTTP server: its routes in one place. What a route does is told by the module it calls.
import type { ApolloServer } from "@apollo/server";
import { fastifyApolloHandler } from "@as-integrations/fastify";
import cors from "@fastify/cors";
import Fastify, { type FastifyInstance, type FastifyRequest } from "fastify";

import type { GraphQLContext } from "../graphql/context.ts";
import type { Logger } from "../log.ts";
import type { MailboxFolder } from "../mail/mailbox-folder.ts";
import {
  BODY_LIMIT_KIB,
  handleErrors,
  httpError,
  refuseClientError,
  refuseFrameworkError,
} from "./errors.ts";
import { servePages } from "./pages.ts";
import { acceptJsonOnly } from "./json-body.ts";
import { serveMailbox } from "./mailbox.ts";

export interface HttpParts {
  readonly apollo: ApolloServer<GraphQLContext>;
  readonly log: Logger;
  readonly corsOrigins: readonly string[];
  /** Whether the database answers and the server is not stopping. */
  readonly isReady: () => Promise<boolean>;
  /** The pages for people who develop: `/` and GraphiQL. */
  readonly hasPages: boolean;
  /** The mailbox of the default start; null if mails go out by SMTP. */
  readonly mailbox: MailboxFolder | null;
}

export async function createHttpServer(parts: HttpParts): Promise<FastifyInstance> {
  const http = Fastify({
    logger: false, // a request's URL may hold an operation with its arguments
    bodyLimit: BODY_LIMIT_KIB * 1024,
    requestTimeout: 30_000,
    return503OnClosing: false, // what comes in on an open connection while stopping is still served
    clientErrorHandler: refuseClientError,
    frameworkErrors: refuseFrameworkError,
  });
  handleErrors(http, parts.log);
  acceptJsonOnly(http);
  http.addHook("onRequest", async (_request, reply) => {
    reply.headers({
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    });
  });
  if (parts.corsOrigins.length > 0) {
    await http.register(cors, {
      origin: [...parts.corsOrigins],
      methods: ["GET", "POST"],
      allowedHeaders: ["content-type", "authorization"],
      maxAge: 600,
    });
  }

  http.get("/livez", () => ({ status: "ok" }));
  http.get("/readyz", async (_request, reply) => {
    if (await parts.isReady()) return { status: "ok" };
    return reply.code(503).send(httpError(503, "The database does not answer, or the server is stopping."));
  });
  if (parts.hasPages) servePages(http, { hasMailbox: parts.mailbox !== null });
  if (parts.mailbox) serveMailbox(http, parts.mailbox);

  http.route({
    method: ["GET", "POST"],
    url: "/graphql",
    handler: fastifyApolloHandler(parts.apollo, {
      context: (request: FastifyRequest) => Promise.resolve({ authorization: request.headers.authorization }),
    }),
  });
  http.route({
    method: http.supportedMethods.filter((method) => !["GET", "HEAD", "POST"].includes(method)),
    url: "/graphql",
    onRequest: async (_request, reply) =>
      reply
        .code(405)
        .header("allow", "GET, POST")
        .send(httpError(405, "Send operations to /graphql with POST.")),
    handler: () => undefined,
  });
  return http;
}
