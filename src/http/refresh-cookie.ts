// The refresh token as a cookie, for browser clients that ask for it: scripts cannot read it.
import type { FastifyReply, FastifyRequest } from "fastify";

import type { RefreshCookie } from "../graphql/context.ts";

/**
 * The cookie of a request with the header `Session-Transport: cookie`; null without. Without the header the cookie counts
 * for nothing, and a page of another origin cannot send it without being asked for by CORS: a forged request is nobody's.
 */
export function refreshCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  isProduction: boolean,
): RefreshCookie | null {
  if (request.headers["session-transport"] !== "cookie") return null;
  // The prefix makes browsers refuse a cookie that another host or plain HTTP has set (RFC 6265bis, 4.1.3.2).
  const name = isProduction ? "__Host-refresh_token" : "refresh_token";
  const options = { path: "/", httpOnly: true, sameSite: "strict", secure: isProduction } as const;
  return {
    read: () => request.cookies[name],
    write: (token, expires) => void reply.setCookie(name, token, { ...options, expires }),
    clear: () => void reply.clearCookie(name, options),
  };
}
