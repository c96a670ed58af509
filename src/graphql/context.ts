// What resolvers know about the request: who sent it, from where, and in which languages to answer.
import Negotiator from "negotiator";

import { unauthenticated } from "../accounts/rules/account-error.ts";
import type { Accounts } from "../accounts/accounts.ts";
import type { RequestSource } from "../accounts/dependencies.ts";
import type { Viewer } from "../accounts/store/sessions.ts";

/** What http/ passes on of a request. A header that is undefined was not sent. */
export interface GraphQLRequest {
  readonly authorization: string | undefined;
  readonly acceptLanguage: string | undefined;
  /** The client's IP address. */
  readonly ip: string;
  readonly userAgent: string | undefined;
  /** Null if the client passes the refresh token in arguments and payloads instead. */
  readonly refreshCookie: RefreshCookie | null;
}

/** The cookie that holds the refresh token. */
export interface RefreshCookie {
  read(): string | undefined;
  write(token: string, expires: Date): void;
  clear(): void;
}

export interface RequestContext {
  readonly refreshCookie: RefreshCookie | null;
  readonly source: RequestSource;
  /** The languages of the Accept-Language header (RFC 9110), in order of preference. */
  readonly acceptedLocales: readonly string[];
  readonly hasAuthorization: boolean;
  /** The token of an `Authorization: Bearer <token>` header (RFC 6750, case-insensitive scheme); otherwise null. */
  readonly bearerToken: string | null;
  /**
   * The user who is logged in, looked up once per request.
   * @throws {AccountError} UNAUTHENTICATED
   */
  viewer(): Promise<Viewer>;
}

/** Returns a plain object, because Apollo copies the context. */
export function createContext(request: GraphQLRequest, accounts: Accounts): RequestContext {
  const { authorization, acceptLanguage, ip, userAgent = null, refreshCookie } = request;
  const bearerToken = /^bearer +([^\s]+) *$/i.exec(authorization ?? "")?.[1] ?? null;
  let found: Promise<Viewer | null> | undefined;
  return {
    refreshCookie,
    source: { ip, userAgent },
    get acceptedLocales() {
      if (acceptLanguage === undefined) return [];
      return new Negotiator({ headers: { "accept-language": acceptLanguage } }).languages();
    },
    hasAuthorization: authorization !== undefined,
    bearerToken,
    async viewer() {
      found ??= bearerToken === null ? Promise.resolve(null) : accounts.authenticate(bearerToken);
      const viewer = await found;
      if (!viewer) throw unauthenticated();
      return viewer;
    },
  };
}
