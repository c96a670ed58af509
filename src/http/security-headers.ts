// The headers of every answer that tell browsers what they may not do with it.
import { IncomingMessage, ServerResponse, type OutgoingHttpHeaders } from "node:http";
import { Socket } from "node:net";

import helmet from "helmet";

/** What no page of this server uses. */
const PERMISSIONS_POLICY = [
  "accelerometer",
  "camera",
  "display-capture",
  "geolocation",
  "gyroscope",
  "magnetometer",
  "microphone",
  "midi",
  "payment",
  "usb",
]
  .map((feature) => `${feature}=()`)
  .join(", ");

/**
 * Computed once: as a plugin of Fastify, helmet computes them for each request, in 40 to 70 µs. Pages replace the
 * Content-Security-Policy, and files that may be cached the Cache-Control.
 */
export function securityHeaders(isProduction: boolean): OutgoingHttpHeaders {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  const options = {
    contentSecurityPolicy: false,
    // A browser that has seen it never again asks this host without TLS. In development there is no TLS.
    strictTransportSecurity: isProduction,
    xFrameOptions: { action: "deny" },
    // For Internet Explorer and Flash.
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
  } as const;
  helmet(options)(response.req, response, () => undefined);
  return {
    ...response.getHeaders(),
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "permissions-policy": PERMISSIONS_POLICY,
  };
}
