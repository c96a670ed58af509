// The cookie by which a browser is known as a device that logged in before. It gives no access.
import type { FastifyReply, FastifyRequest } from "fastify";

import type { DeviceCookie } from "../graphql/context.ts";

/** People who share a browser; the one who logged in least recently is forgotten first. */
const MAX_ACCOUNTS = 5;
/** Browsers keep no cookie for longer (RFC 6265bis, 5.6). */
const MAX_AGE_SECONDS = 400 * 24 * 60 * 60;

/** The cookie of a request with the header `Session-Transport: cookie`, as in refresh-cookie.ts, otherwise null. */
export function deviceCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  isProduction: boolean,
): DeviceCookie | null {
  if (request.headers["session-transport"] !== "cookie") return null;
  const name = isProduction ? "__Host-device_tokens" : "device_tokens";
  const options = { path: "/", httpOnly: true, sameSite: "strict", secure: isProduction } as const;
  const read = () => (request.cookies[name] ?? "").split(".").slice(0, MAX_ACCOUNTS);
  return {
    read,
    add(token) {
      const others = read().filter((other) => other !== "" && other !== token);
      const tokens = [token, ...others].slice(0, MAX_ACCOUNTS);
      void reply.setCookie(name, tokens.join("."), { ...options, maxAge: MAX_AGE_SECONDS });
    },
  };
}
