// The HTTP server: all its routes and the hooks that apply to them.
import type { ApolloServer } from "@apollo/server";
import { fastifyApolloHandler } from "@as-integrations/fastify";
import cookie from "@fastify/cookie";
import Fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RouteHandlerMethod,
} from "fastify";

import type { GraphQLRequest, RequestContext } from "../graphql/context.ts";
import type { InternalError } from "../graphql/format-error.ts";
import type { TrustedDocuments } from "../graphql/trusted-documents.ts";
import { withRequestId, type Logger } from "../log.ts";
import { annotate, traced } from "../tracing.ts";
import type { MailboxFolder } from "../mail/mailbox-folder.ts";
import { limitAnswers } from "./answer-limits.ts";
import { limitConnections, STALLED_AFTER_MS } from "./connection-limit.ts";
import {
  BODY_LIMIT_KIB,
  handleErrors,
  httpError,
  isGraphQL,
  refuseClientError,
  refuseExpectation,
  refuseUrl,
} from "./errors.ts";
import { COMPRESSED, compressAnswers } from "./compression.ts";
import { allowOrigins, type CorsSettings } from "./cors.ts";
import { deviceCookie } from "./device-cookie.ts";
import { clientAddresses, proxyCheck } from "./client-address.ts";
import { serveGraphiQL } from "./graphiql.ts";
import { refreshCookie } from "./refresh-cookie.ts";
import { requestIds } from "./request-id.ts";
import { acceptJsonOnly } from "./json-body.ts";
import { serveMailbox } from "./mailbox.ts";
import { refuseRebinding } from "./rebinding.ts";
import { securityHeaders } from "./security-headers.ts";
import { serveWebClient, type WebClientSettings } from "./web-client.ts";
import { serveSchema } from "./schema-file.ts";
import { onlyTrusted } from "./trusted-documents.ts";
import { servePageFiles } from "./web-pages.ts";

export interface HttpParts extends CorsSettings {
  readonly apollo: ApolloServer<RequestContext>;
  readonly createContext: (request: GraphQLRequest) => RequestContext;
  readonly log: Logger;
  readonly internalError: InternalError;
  /** The only documents that are run; null if any is. */
  readonly trustedDocuments: TrustedDocuments | null;
  /** Counts a request that is refused before GraphQL sees it, by its error code. */
  readonly refused: (code: string) => void;
  /** Whether spans of requests go anywhere. */
  readonly isTraced: boolean;
  readonly isProduction: boolean;
  readonly trustedProxies: readonly string[];
  /** The host name or IP address to listen on. */
  readonly host: string;
  /** Whether connections are soon to be closed. */
  readonly isStopping: () => boolean;
  /** Whether the database responds and the server is not stopping. */
  readonly isReady: () => Promise<boolean>;
  /** Whether browsers get GraphiQL at /graphql, for development. */
  readonly hasGraphiQL: boolean;
  /** The settings of the web client at `/`; null if it is not served. */
  readonly webClient: Pick<WebClientSettings, "appName" | "passwordMinLength"> | null;
  /** The mailbox at /mailbox; null if emails are sent over SMTP. */
  readonly mailbox: MailboxFolder | null;
}

/** For a client to send a whole request. */
const REQUEST_WITHIN_MS = 30_000;

export async function createHttpServer(parts: HttpParts): Promise<FastifyInstance> {
  const hasCors = parts.corsOrigins.length > 0;
  const headers = securityHeaders(parts.isProduction);
  const idOf = requestIds(parts.trustedProxies);
  const http = Fastify({
    logger: false, // the URL of a request may contain an operation with its arguments
    genReqId: idOf,
    bodyLimit: BODY_LIMIT_KIB * 1024,
    requestTimeout: REQUEST_WITHIN_MS,
    connectionTimeout: STALLED_AFTER_MS,
    return503OnClosing: false, // while stopping, still serves requests on open connections
    clientErrorHandler: (error, socket) => refuseClientError(headers, error, socket),
    frameworkErrors: (_error, request, reply) =>
      refuseUrl(reply.headers({ ...headers, "x-request-id": request.id })),
    http: {
      requireHostHeader: false, // Node's own answer has no body
      headersTimeout: REQUEST_WITHIN_MS,
      connectionsCheckingInterval: 5_000, // how often Node looks for requests that take too long
    },
  });
  limitConnections(http, parts.trustedProxies, parts.log);
  const allowLargeAnswer = limitAnswers(http);
  http.server.on("checkExpectation", (request, response) =>
    refuseExpectation({ ...headers, "x-request-id": idOf(request) }, request, response),
  );
  handleErrors(http, parts.internalError);
  acceptJsonOnly(http);
  http.addHook("onRequest", async (request, reply) => {
    reply.headers(headers).header("x-request-id", request.id);
    // Or else a proxy would send its next request on a connection that is being closed.
    if (parts.isStopping()) reply.header("connection", "close");
    if (!hasGoodHost(request)) {
      return reply.code(400).send(httpError(400, "The Host header of the request is missing or invalid."));
    }
    const isPreflight = request.method === "OPTIONS" && "access-control-request-method" in request.headers;
    if (isGraphQL(request) && !/^(GET|HEAD|POST)$/.test(request.method) && !(isPreflight && hasCors)) {
      reply.code(405).header("allow", "GET, POST");
      return reply.send(httpError(405, "Send operations to /graphql with POST."));
    }
  });
  // Here, because what runs while the body is read would lose it.
  http.addHook("preHandler", (request, _reply, done) => withRequestId(request.id, done));
  if (!parts.isProduction) refuseRebinding(http, parts.host);
  if (hasCors) await allowOrigins(http, parts);

  http.get("/livez", () => ({ status: "ok" }));
  http.get("/readyz", async (_request, reply) => {
    if (await parts.isReady()) return { status: "ok" };
    return reply.code(503).send(httpError(503, "The database does not respond, or the server is stopping."));
  });
  await compressAnswers(http);
  serveSchema(http);
  const { hasGraphiQL, mailbox, webClient } = parts;
  if (webClient || mailbox) await servePageFiles(http);
  if (webClient) {
    const { corsOrigins } = parts;
    serveWebClient(http, { ...webClient, corsOrigins, hasGraphiQL, hasMailbox: mailbox !== null });
  }
  if (hasGraphiQL) serveGraphiQL(http);
  if (mailbox) {
    await http.register((scope, _options, done) => {
      serveMailbox(scope, { folder: mailbox, hasWebClient: webClient !== null });
      done();
    });
  }

  const addressOf = clientAddresses(parts.trustedProxies);
  if (parts.trustedProxies.length === 0) warnOfUnnamedProxy(http, parts.log);
  await http.register(cookie);
  const answer = fastifyApolloHandler(parts.apollo, {
    context: (request, reply) =>
      Promise.resolve(
        parts.createContext({
          authorization: request.headers.authorization,
          acceptLanguage: request.headers["accept-language"],
          ip: addressOf(request.raw),
          userAgent: request.headers["user-agent"],
          refreshCookie: refreshCookie(request, reply, parts.isProduction),
          deviceCookie: deviceCookie(request, reply, parts.isProduction),
          gone: () => goneSignal(reply),
          allowLargeAnswer: () => allowLargeAnswer(reply),
        }),
      ),
  });
  http.route({
    method: ["GET", "POST"],
    url: "/graphql",
    compress: COMPRESSED,
    preHandler: parts.trustedDocuments ? onlyTrusted(parts.trustedDocuments, parts.refused) : [],
    handler: parts.isTraced ? tracedHandler(answer, proxyCheck(parts.trustedProxies)) : answer,
  });
  return http;
}

/** A trusted proxy's trace goes on; of anybody else's, a new one begins. */
function tracedHandler(
  handler: RouteHandlerMethod,
  isTrusted: (address: string | undefined) => boolean,
): RouteHandlerMethod {
  return function (request, reply) {
    const { method, headers, socket } = request.raw;
    const span = {
      kind: "SERVER",
      attributes: {
        "http.request.method": method ?? "",
        "http.route": "/graphql",
        "account.request_id": request.id,
      },
      from: isTrusted(socket.remoteAddress) ? headers : {},
    } as const;
    return traced(
      `${method} /graphql`,
      async () => {
        const body: unknown = await handler.call(this, request, reply);
        annotate({ "http.response.status_code": reply.statusCode });
        return body;
      },
      span,
    );
  };
}

/** Without TRUSTED_PROXIES, a proxy is one client: soon the rate limits would refuse everybody who comes through it. */
function warnOfUnnamedProxy(http: FastifyInstance, log: Logger): void {
  let isTold = false;
  http.addHook("onRequest", (request, _reply, done) => {
    if (!isTold && request.headers["x-forwarded-for"] !== undefined) {
      isTold = true; // once, because anybody can send the header
      log.warn(
        { requestId: request.id },
        "A request has the header X-Forwarded-For, but TRUSTED_PROXIES is not set. If a proxy sent it, set TRUSTED_PROXIES to its " +
          "address: until then, all its clients are one to the rate limits.",
      );
    }
    done();
  });
}

/** Aborts when the connection closes before the answer is sent. */
function goneSignal({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  if (raw.destroyed) gone.abort(); // closed before anybody asked
  raw.once("close", () => raw.writableFinished || gone.abort());
  return gone.signal;
}

/** HTTP/1.0 has no Host header, and simple health checks use it. Only /graphql needs the host name. */
function hasGoodHost(request: FastifyRequest): boolean {
  const { host } = request.headers;
  if (host === undefined) return request.raw.httpVersion === "1.0" && !isGraphQL(request);
  return host !== "" && URL.canParse(`http://${host}/`);
}
