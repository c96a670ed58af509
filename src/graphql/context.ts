// What a resolver knows of the request.
import Negotiator from "negotiator";

export interface GraphQLContext {
  /** The Authorization header as it was sent; undefined without one. */
  readonly authorization: string | undefined;
  /** The Accept-Language header as it was sent; undefined without one. */
  readonly acceptLanguage: string | undefined;
}

/** The languages of the Accept-Language header (RFC 9110), the preferred one first. */
export function acceptedLocales({ acceptLanguage }: GraphQLContext): string[] {
  if (acceptLanguage === undefined) return [];
  return new Negotiator({ headers: { "accept-language": acceptLanguage } }).languages();
}

/** The token of `Bearer <token>` (RFC 6750; the scheme's case does not matter); null for anything else. */
export function bearerToken({ authorization }: GraphQLContext): string | null {
  return /^bearer +([^\s]+) *$/i.exec(authorization ?? "")?.[1] ?? null;
}
