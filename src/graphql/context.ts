// What resolvers know about the request: who sent it, from where, and in which languages to answer.
import Negotiator from "negotiator";

import { unauthenticated } from "../accounts/rules/account-error.ts";
import type { Accounts } from "../accounts/accounts.ts";
import type { RequestSource } from "../accounts/model/request-source.ts";
import type { Viewer } from "../accounts/model/sign-in.ts";

/** What http/ passes on of a request. A header that is undefined was not sent. */
export interface GraphQLRequest {
  readonly authorization: string | undefined;
  readonly acceptLanguage: string | undefined;
  /** The client's IP address. */
  readonly ip: string;
  readonly userAgent: string | undefined;
  /** Null if the client passes the refresh token in arguments and payloads instead. */
  readonly refreshCookie: RefreshCookie | null;
  readonly allowLargeAnswer: () => void;
}

/** The cookie that holds the refresh token. */
export interface RefreshCookie {
  read(): string | undefined;
  write(token: string, expires: Date): void;
  clear(): void;
}

export interface RequestContext {
  readonly refreshCookie: RefreshCookie | null;
  /** Exempts the answer to this request from the limit of its size. */
  readonly allowLargeAnswer: () => void;
  readonly source: RequestSource;
  /** The languages of the Accept-Language header (RFC 9110), in order of preference. */
  readonly acceptedLocales: readonly string[];
  readonly hasAuthorization: boolean;
  /**
   * The token from a mailed link: the argument or, if that is missing or null, the token of `Authorization: Bearer`. A blank
   * argument is an invalid token and does not fall back to the header.
   */
  mailedToken(argument: string | null | undefined): string;
  /**
   * The user who is logged in, looked up once per request.
   * @throws {AccountError} UNAUTHENTICATED
   */
  viewer(): Promise<Viewer>;
}

/** Returns a plain object, because Apollo copies the context. */
export function createContext(request: GraphQLRequest, accounts: Accounts): RequestContext {
  const { authorization, acceptLanguage, ip, userAgent = null, refreshCookie } = request;
  // RFC 6750; the scheme's case does not matter.
  const bearerToken = /^bearer +([^\s]+) *$/i.exec(authorization ?? "")?.[1] ?? null;
  let found: Promise<Viewer | null> | undefined;
  return {
    refreshCookie,
    allowLargeAnswer: request.allowLargeAnswer,
    source: { ip, userAgent },
    get acceptedLocales() {
      if (acceptLanguage === undefined) return [];
      return new Negotiator({ headers: { "accept-language": acceptLanguage } }).languages();
    },
    hasAuthorization: authorization !== undefined,
    mailedToken: (argument) => argument ?? bearerToken ?? "",
    async viewer() {
      found ??= bearerToken === null ? Promise.resolve(null) : accounts.authenticate(bearerToken);
      const viewer = await found;
      if (!viewer) throw unauthenticated();
      return viewer;
    },
  };
}
