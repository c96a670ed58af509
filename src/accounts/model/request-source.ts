// Where a request came from; for the list of sessions and the audit trail.

export interface RequestSource {
  /** The IP address; null if the request did not come over a network, or its client has gone. */
  readonly ip: string | null;
  /** The User-Agent header as it was sent. */
  readonly userAgent: string | null;
  /** The operator at the command line, not somebody over HTTP. */
  readonly isOperator?: boolean;
}
