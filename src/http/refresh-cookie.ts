// The refresh token as a cookie that scripts cannot read, for browser clients that request it.
import type { FastifyReply, FastifyRequest } from "fastify";

import type { RefreshCookie } from "../graphql/context.ts";

/**
 * The cookie of a request with the header `Session-Transport: cookie`, otherwise null. Requiring the header prevents CSRF: a
 * page of another origin cannot send it without a CORS preflight, and without it the cookie is ignored.
 */
export function refreshCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  isProduction: boolean,
): RefreshCookie | null {
  if (request.headers["session-transport"] !== "cookie") return null;
  // With this prefix, browsers reject a cookie set by another host or over plain HTTP (RFC 6265bis, 4.1.3.2).
  const name = isProduction ? "__Host-refresh_token" : "refresh_token";
  const options = { path: "/", httpOnly: true, sameSite: "strict", secure: isProduction } as const;
  return {
    read: () => request.cookies[name],
    write: (token, expires) => void reply.setCookie(name, token, { ...options, expires }),
    clear: () => void reply.clearCookie(name, options),
  };
}
