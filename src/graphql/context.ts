// What a resolver knows of the request.

export interface GraphQLContext {
  /** The Authorization header as it was sent; undefined without one. */
  readonly authorization: string | undefined;
}

/** The token of `Bearer <token>` (RFC 6750; the scheme's case does not matter); null for anything else. */
export function bearerToken({ authorization }: GraphQLContext): string | null {
  return /^bearer +([^\s]+) *$/i.exec(authorization ?? "")?.[1] ?? null;
}
