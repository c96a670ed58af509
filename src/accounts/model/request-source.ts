// Where a request came from; for the list of sessions, the audit trail and the rate limits.
import ipaddr from "ipaddr.js";

export interface RequestSource {
  /** The IP address; null if the request did not come over a network, or its client has gone. */
  readonly ip: string | null;
  /** The User-Agent header as it was sent. */
  readonly userAgent: string | null;
  /** The operator at the command line, not somebody over HTTP. */
  readonly isOperator?: boolean;
  /** The tokens by which the client is known as a device that logged in before, one for each account. */
  readonly deviceTokens?: readonly string[];
  /** The solution of a challenge (accounts/limits/challenges.ts). */
  readonly challengeSolution?: string;
  /** Aborts when the client hangs up. */
  readonly gone?: AbortSignal;
}

/** Bits of an IPv6 address that one customer of a provider has in common (RFC 6177). */
const IPV6_NETWORK_BITS = 64;

/**
 * What counts as one client: an IPv4 address, or the network of an IPv6 address, because a customer has all the addresses in it.
 */
export function clientOf({ ip }: RequestSource): string {
  if (ip === null) return "";
  if (!ipaddr.isValid(ip)) return ip;
  const address = ipaddr.process(ip); // ::ffff:192.0.2.1 is 192.0.2.1
  if (address.kind() === "ipv4") return address.toString();
  return address
    .toByteArray()
    .slice(0, IPV6_NETWORK_BITS / 8)
    .join(".");
}
