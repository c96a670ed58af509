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
  /** The client's IP address; null if the connection has ended. */
  readonly ip: string | null;
  readonly userAgent: string | undefined;
  /** Null if the client passes the refresh token in arguments and payloads instead. */
  readonly refreshCookie: RefreshCookie | null;
  /** Null if the client passes device tokens in arguments and payloads instead. */
  readonly deviceCookie: DeviceCookie | null;
  /** Exempts the answer to this request from the limit of its size. */
  readonly allowLargeAnswer: () => void;
  /** Aborts when the client hangs up before it is answered. */
  readonly gone: () => AbortSignal;
}

/** The cookie that holds the device tokens of the accounts that have logged in with this browser. */
export interface DeviceCookie {
  read(): readonly string[];
  add(token: string): void;
}

/** The cookie that holds the refresh token. */
export interface RefreshCookie {
  read(): string | undefined;
  write(token: string, expires: Date): void;
  clear(): void;
}

export interface RequestContext {
  readonly refreshCookie: RefreshCookie | null;
  readonly deviceCookie: DeviceCookie | null;
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
  /** The user who is logged in, looked up once per request; null if nobody is. */
  viewerIfAny(): Promise<Viewer | null>;
  /**
   * The user who is logged in.
   * @throws {AccountError} UNAUTHENTICATED
   */
  viewer(): Promise<Viewer>;
}

/** Returns a plain object, because Apollo copies the context. */
export function createContext(request: GraphQLRequest, accounts: Accounts): RequestContext {
  const { authorization, acceptLanguage, ip, userAgent = null, refreshCookie, deviceCookie } = request;
  // RFC 6750; the scheme's case does not matter.
  const bearerToken = /^bearer +([^\s]+) *$/i.exec(authorization ?? "")?.[1] ?? null;
  let found: Promise<Viewer | null> | undefined;
  const viewerIfAny = () =>
    (found ??= bearerToken === null ? Promise.resolve(null) : accounts.authenticate(bearerToken));
  return {
    refreshCookie,
    deviceCookie,
    source: {
      ip,
      userAgent,
      get deviceTokens() {
        return deviceCookie?.read() ?? [];
      },
      get gone() {
        return request.gone();
      },
    },
    allowLargeAnswer: request.allowLargeAnswer,
    get acceptedLocales() {
      if (acceptLanguage === undefined) return [];
      return new Negotiator({ headers: { "accept-language": acceptLanguage } }).languages();
    },
    hasAuthorization: authorization !== undefined,
    mailedToken: (argument) => argument ?? bearerToken ?? "",
    viewerIfAny,
    async viewer() {
      const viewer = await viewerIfAny();
      if (!viewer) throw unauthenticated();
      return viewer;
    },
  };
}
