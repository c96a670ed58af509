// Where a request came from; for the list of sessions, the audit trail and the rate limits.
import { networkOf } from "../../network.ts";

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

/** What counts as one client: its network, because a customer of a provider has all the addresses in it. */
export function clientOf({ ip }: RequestSource): string {
  return ip === null ? "" : networkOf(ip);
}
