// Headers that attackers could send.
import fc, { type Arbitrary } from "fast-check";

import { MARK, type Recipe } from "./ingredients.ts";
import { anyToken, cursorParts, emails, hostileText, locales } from "./values.ts";

export type Header = readonly [name: string, value: Recipe];

const joined = (before: string, value: Arbitrary<Recipe>, after = ""): Arbitrary<Recipe> =>
  value.map((recipe) => ({ "@joined": [before, recipe, after] }));

const addresses = fc.constantFrom<Recipe>(
  "198.51.100.7",
  "203.0.113.9, 198.51.100.8",
  "[2001:db8::1]:443",
  "2001:db8::2%eth0",
  "::ffff:192.0.2.1",
  "127.0.0.1",
  "unknown",
  `_${MARK}`,
  "1.2.3.4.5",
  "0x7f.1",
  ",,,",
  `10.0.0.1, ${MARK}`,
);
const HEADERS: Record<string, Arbitrary<Recipe>> = {
  Accept: fc.constantFrom<Recipe>(
    "*/*",
    "application/json",
    "application/graphql-response+json",
    "application/graphql-response+json; charset=utf-8, application/json;q=0.5",
    "multipart/mixed; deferSpec=20220824",
    "text/event-stream",
    `text/${MARK}`,
    "text/html;q=0",
    "image/*;q=NaN",
    "",
  ),
  "Accept-Charset": hostileText,
  "Accept-Encoding": fc.constantFrom<Recipe>("gzip, br", "identity;q=0", "*", MARK),
  "Accept-Language": fc.oneof(
    locales,
    fc.constantFrom<Recipe>("en;q=9", "*;q=0", `pt-BR, en-${MARK};q=0.1`, ",;,;q=", "en;q=0.5;q=0.6"),
    hostileText,
    fc.constant<Recipe>({ "@long": "pt-BR,", times: 1_000 }),
  ),
  "Access-Control-Request-Headers": hostileText,
  "Access-Control-Request-Method": fc.constantFrom<Recipe>("POST", "DELETE", MARK),
  "Apollo-Require-Preflight": hostileText,
  Authorization: fc.oneof(
    joined("Bearer ", anyToken),
    joined("bearer   ", anyToken, "  "),
    joined("Bearer ", hostileText),
    joined("Basic ", hostileText),
    anyToken,
    fc.constantFrom<Recipe>("", "Bearer", "Bearer ", `Digest username="${MARK}"`),
  ),
  "Cache-Control": fc.constantFrom<Recipe>("no-cache", "only-if-cached", MARK),
  Cookie: fc.oneof(
    joined("refresh_token=", anyToken),
    joined("__Host-refresh_token=", anyToken),
    joined("device_tokens=", anyToken),
    joined("__Host-device_tokens=", anyToken, ".a..b.c.d.e.f.g"),
    joined("refresh_token=%", hostileText),
    joined("__Host-refresh_token=%E0%A4%A; __proto__=", hostileText),
    hostileText,
    fc.constant<Recipe>({ "@long": "a=b; ", times: 1_000 }),
  ),
  Forwarded: joined("for=", addresses, ";proto=https;host=evil.example"),
  From: emails,
  "If-Modified-Since": cursorParts,
  "If-None-Match": hostileText,
  Origin: fc.constantFrom<Recipe>(
    "null",
    "https://app.example",
    "https://app.example.evil",
    `https://${MARK}.example`,
    "*",
  ),
  Priority: fc.constantFrom<Recipe>("u=0, i", MARK),
  Range: fc.constantFrom<Recipe>("bytes=0-1", "bytes=1-0", "bytes=-5", "bytes=0-0,5-6", `bytes=${MARK}`),
  Referer: fc.constantFrom<Recipe>(`https://${MARK}.example/`, MARK),
  "Sec-Fetch-Site": fc.constantFrom<Recipe>("cross-site", "none", MARK),
  "Session-Transport": fc.constantFrom<Recipe>("cookie", "Cookie", "header", MARK),
  traceparent: fc.constantFrom<Recipe>(
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "ff-00000000000000000000000000000000-0000000000000000-00",
    `00-${MARK}`,
    MARK,
  ),
  tracestate: hostileText,
  baggage: hostileText,
  "User-Agent": fc.oneof(
    fc.constantFrom<Recipe>(
      "Mozilla/5.0 (X11; Linux x86_64; rv:149.0) Gecko/20100101 Firefox/149.0",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 Version/26.0 Safari/604.1",
      `${MARK}/1.0 (${MARK})`,
      "",
    ),
    hostileText,
  ),
  Via: hostileText,
  "X-Apollo-Operation-Name": hostileText,
  "X-Correlation-Id": hostileText,
  "X-Forwarded-For": addresses,
  "X-Forwarded-Host": fc.constantFrom<Recipe>("evil.example", MARK),
  "X-Forwarded-Proto": fc.constantFrom<Recipe>("http", "https", MARK),
  "X-HTTP-Method-Override": fc.constantFrom<Recipe>("DELETE", MARK),
  "X-Real-IP": addresses,
  "X-Request-Id": hostileText,
  "request-id": hostileText,
  __proto__: hostileText,
  constructor: hostileText,
};

const headerOf = (names: readonly string[]): Arbitrary<Header> =>
  fc.constantFrom(...names).chain((name) => HEADERS[name]!.map((value): Header => [name, value]));
export const header: Arbitrary<Header> = headerOf(Object.keys(HEADERS));

/** What may stand in a header without ending it; the rest is tried by messages. */
export const cleaned = (value: string) => value.replaceAll(/[\0-\x08\x0a-\x1f\x7f]/g, "").slice(0, 7_000);
