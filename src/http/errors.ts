// Gives all errors of the HTTP layer the format of GraphQL errors: {errors: [{message, extensions: {code}}]}.
import { STATUS_CODES, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import type { InternalError } from "../graphql/format-error.ts";
import { withRequestId } from "../log.ts";

/** In kibibytes; far more than any operation needs. */
export const BODY_LIMIT_KIB = 16;

const MESSAGES: Record<string, string> = {
  FST_ERR_CTP_BODY_TOO_LARGE: `The request body is larger than ${BODY_LIMIT_KIB} kB.`,
  FST_ERR_CTP_EMPTY_JSON_BODY: "The request body is empty. Send a JSON object with a query.",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "The Content-Type of the request is not supported. Send application/json.",
};

/** An error of the HTTP layer. Its code is the name of the status, such as METHOD_NOT_ALLOWED, unless it has one of its own. */
export function httpError(status: number, message: string, code = nameOf(status)) {
  return { errors: [{ message, extensions: { code } }] };
}

const nameOf = (status: number) => (STATUS_CODES[status] ?? "ERROR").toUpperCase().replace(/\W+/g, "_");

export function handleErrors(http: FastifyInstance, internalError: InternalError): void {
  http.setNotFoundHandler((request, reply) =>
    reply.code(404).send(httpError(404, `No route matches ${request.method} ${pathOf(request)}.`)),
  );
  http.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) {
      const formatted = withRequestId(request.id, () => internalError(error));
      return reply.code(500).send({ errors: [formatted] });
    }
    return reply.code(status).send(httpError(status, MESSAGES[error.code] ?? error.message));
  });
}

/** A URL that cannot be decoded reaches no route. The message does not repeat it, because it may contain arguments. */
export function refuseUrl(reply: FastifyReply): void {
  void reply.code(400).send(httpError(400, "The URL of the request cannot be decoded."));
}

/**
 * RFC 9110 defines only the expectation 100-continue, which Node handles.
 * @param headers of every answer (security-headers.ts)
 */
export function refuseExpectation(
  headers: OutgoingHttpHeaders,
  _request: IncomingMessage,
  response: ServerResponse,
): void {
  const body = JSON.stringify(httpError(417, "The server cannot meet the Expect header of the request."));
  response.writeHead(417, { ...headers, ...headersOf(body) }).end(body);
}

/**
 * Answers what Node could not parse as HTTP, which never becomes a request.
 * @param headers of every answer
 */
export function refuseClientError(
  headers: OutgoingHttpHeaders,
  error: NodeJS.ErrnoException,
  socket: Socket,
): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const status =
    error.code === "HPE_HEADER_OVERFLOW" ? 431 : error.code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
  const body = JSON.stringify(httpError(status, "The request could not be read."));
  const lines = Object.entries({ ...headers, ...headersOf(body) }).map(
    ([name, value]) => `${name}: ${String(value)}`,
  );
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, "", body].join("\r\n"));
}

function headersOf(body: string): OutgoingHttpHeaders {
  return {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    connection: "close",
  };
}

/** Whether the request is for /graphql, which can also be written as %67raphql or with a host (RFC 9112, 3.2.2). */
export function isGraphQL(request: FastifyRequest): boolean {
  return pathOf(request) === "/graphql" || request.routeOptions.url === "/graphql";
}

/** The URL without its query, which may contain an operation and its arguments. */
export function pathOf(request: FastifyRequest): string {
  return request.url.split("?", 1)[0] ?? "";
}
