// Values that attackers could send in an argument: those of its name, damaged or as they are, hostile texts, and any JSON.
import fc, { type Arbitrary } from "fast-check";
import { getNamedType, isEnumType, type GraphQLArgument, type GraphQLEnumType } from "graphql";

import { CHANGES, MARK, type Kind, type Recipe } from "./ingredients.ts";

export const FRAGMENTS = [
  "",
  " ",
  "\0",
  "a\0b",
  "\ud800",
  "\udfff\ud83d",
  "\u202egnp.exe",
  "\u200b\u200d\ufeff",
  "\u001b[2J\u001b]0;title\u0007",
  "\u0085\u2028\u2029",
  '\r\n{"level":50}',
  "\r\nBcc: mallory@example.com\r\n\r\n",
  "\n.\r\nMAIL FROM:<a@b>",
  "' or '1'='1' --",
  "'; drop table accounts.users; --",
  "\\'; select pg_sleep(1) --",
  "%_\\%",
  "$1 :userId ?",
  "*)(uid=*))(|(uid=*",
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "{{constructor.constructor 'return process'}}",
  "{{#with this}}{{lookup . '__proto__'}}{{/with}}",
  "{token}",
  "${7*7} #{7*7} <%= 7*7 %>",
  "$(reboot) `reboot` ; reboot | reboot",
  "../../../../etc/passwd",
  "..%2f..%2f%00",
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "undefined",
  "null",
  "NaN",
  "true",
  "👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿",
  "e\u0301\u0327",
  "Z\u0351\u036b\u0343\u036a\u0302",
  "İıſK",
  "ﷺ",
  "аdа",
  "𝒶𝒹𝒶",
  "\uffff\ufffe",
  "%s %d %j %o",
  "%00%0d%0a",
  "file:///etc/passwd",
  "javascript:alert(1)",
  "-1",
  "1e400",
  "9223372036854775808",
];

const anyCodeUnits = fc
  .array(fc.nat(0xffff), { maxLength: 12 })
  .map((units) => String.fromCharCode(...units).replaceAll(MARK, ""));

/** What cannot be stored, or not as it is. */
const unstorable: Arbitrary<Recipe> = fc.constantFrom(
  `${MARK}\0`,
  `\0${MARK}`,
  `${MARK}\ud800`,
  `\udfff${MARK}`,
);

export const hostileText: Arbitrary<Recipe> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...FRAGMENTS).map((fragment) => MARK + fragment) },
  { weight: 3, arbitrary: fc.constantFrom(...FRAGMENTS) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(...FRAGMENTS), fc.constantFrom(...FRAGMENTS))
      .map(([one, other]) => one + MARK + other),
  },
  { weight: 2, arbitrary: anyCodeUnits.map((text) => MARK + text) },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => text + MARK) },
  {
    weight: 1,
    arbitrary: fc.record({
      "@long": fc.constantFrom(MARK, "a", "é", "👩‍👩‍👧‍👦", "\u0301", "\0", "a.", "%", "@", "(", "\\"),
      times: fc.constantFrom(33, 129, 255, 256, 513, 2_000, 12_000),
    }),
  },
);

export const known = (kind: Kind, always?: keyof typeof CHANGES): Arbitrary<Recipe> =>
  fc.record({
    "@known": fc.constant(kind),
    n: fc.nat(1000),
    as: always
      ? fc.constant(always)
      : fc.oneof(
          { weight: 3, arbitrary: fc.constant("as it is" as const) },
          { weight: 2, arbitrary: fc.constantFrom(...(Object.keys(CHANGES) as (keyof typeof CHANGES)[])) },
        ),
  });

export const numbers: Arbitrary<Recipe> = fc.oneof(
  fc.constantFrom<Recipe>(
    0,
    1,
    2,
    3,
    20,
    100,
    101,
    -1,
    1.5,
    -0,
    2 ** 31 - 1,
    2 ** 31,
    -(2 ** 31) - 1,
    2 ** 53,
  ),
  fc
    .constantFrom("1e999", "-1e999", "NaN", "Infinity", "1e-400", "0x10", "01", "1.0", "9".repeat(400))
    .map((json) => ({
      "@json": json,
    })),
  fc.integer(),
);

/** Of any type, most of them wrong. */
export const anything: Arbitrary<Recipe> = fc.oneof(
  { weight: 4, arbitrary: hostileText },
  { weight: 2, arbitrary: numbers },
  { weight: 1, arbitrary: fc.boolean() },
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.array(hostileText, { maxLength: 3 }) },
  {
    weight: 1,
    arbitrary: fc.dictionary(
      fc.constantFrom("a", "length", "toString", "constructor", "$ne", "then", MARK),
      hostileText,
      {
        maxKeys: 3,
      },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Recipe>(
      { "@json": '{"__proto__":{"isAdmin":true}}' },
      { "@json": '{"constructor":{"prototype":{"isAdmin":true}}}' },
      { "@json": '{"a":1,"a":2}' },
      { "@json": `[${"1,".repeat(3_000)}1]` },
      { "@json": "undefined" },
      { "@deep": "[", levels: 200 },
      { "@deep": "[", levels: 5_000 },
      { "@deep": "{", levels: 1_000 },
    ),
  },
);

const usernames = fc.oneof(
  known("username"),
  fc.constantFrom<Recipe>(
    MARK,
    `u.${MARK}`,
    `A_${MARK}`,
    `${MARK}-`,
    "admin",
    "r.o.o.t",
    "ab",
    `${MARK} a`,
    `ä${MARK}`,
  ),
);
export const emails = fc.oneof(
  known("email"),
  known("email", "as it is"),
  fc.constant(`${MARK}@example.com`),
  fc.constantFrom<Recipe>(
    `${MARK}@example.com`,
    `A.${MARK}+tag@EXAMPLE.com`,
    `${MARK}@xn--bcher-kva.example`,
    `"${MARK}"@example.com`,
    `${MARK}@[127.0.0.1]`,
    `${MARK}@example.com,mallory@example.com`,
    `${MARK}@example.com;mallory@example.com`,
    `Ada <${MARK}@example.com>`,
    `${MARK}@example.com\r\nBcc: mallory@example.com`,
    `${MARK}@example.com\0`,
    `<${MARK}@example.com>`,
    `-oQ${MARK}@example.com`,
    `${MARK}@bücher.example`,
    `${MARK}@@example.com`,
    `!#$%&'*+/=?^_\`{|}~-${MARK}@example.com`,
  ),
);
/** Few of them are hashed, which takes a hundred times as long as all else. */
const passwords = fc.oneof(
  { weight: 2, arbitrary: known("password", "as it is") },
  known("password"),
  fc.constantFrom<Recipe>(
    `${MARK} and a battery`,
    `é${MARK}\u0301 horse`,
    "password1",
    "aaaaaaaaaaaa",
    "short",
  ),
  fc.constantFrom<Recipe>(
    `${MARK}\0`,
    `\ud800${MARK}`,
    { "@long": "a b", times: 50 },
    { "@long": MARK, times: 1_000 },
    { "@long": "👩‍👩‍👧‍👦", times: 200 },
    "",
  ),
);
const TOKENS = [
  "registration",
  "reset",
  "email-change",
  "email-undo",
  "access",
  "refresh",
  "device",
] as const;
export const anyToken = fc.oneof(
  ...TOKENS.map((kind) => known(kind)),
  fc.constantFrom<Recipe>(
    "eyJhbGciOiJub25lIn0.e30.",
    "a.b.c",
    "....",
    `eyJhbGciOiJIUzI1NiIsInR5cCI6ImFjY2Vzcytqd3QifQ.eyJzdWIiOiIxIn0.${MARK}`,
  ),
);
const ids = fc.oneof(
  known("id"),
  known("id", "as it is"),
  known("session"),
  known("session", "as it is"),
  fc.constantFrom<Recipe>(
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "{00000000-0000-4000-8000-000000000000}",
    "urn:uuid:00000000-0000-4000-8000-000000000000",
    "000000000000400080000000000000000",
    "00000000-0000-4000-8000-00000000000g",
    1,
    "1",
  ),
  fc.uuid(),
);
export const cursorParts: Arbitrary<Recipe> = fc.oneof(
  fc.constantFrom<Recipe>(
    "2026-11-26T00:00:00.000Z",
    "9999-12-31T23:59:59.999Z",
    "-271821-04-20T00:00:00.000Z",
    "+275760-09-13T00:00:00.000Z",
    "0001-01-01",
    "infinity",
    "now",
    "2026-02-31T25:61:61Z",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "1",
    "0",
    "-1",
    "999999999999999999",
    "9223372036854775808",
    "00000000-0000-4000-8000-000000000000",
  ),
  // What PostgreSQL and JavaScript may read differently.
  fc.date().map((date) => date.toISOString()),
  fc
    .tuple(
      fc.constantFrom("1970-1-1", "1970-01-01", "9999-99-99", "1970-01-01 (a)"),
      fc.constantFrom("", " 24:00", "T00:00+25:00", " GMT+1", "Z", " PST", "T00:00:00.000000001Z"),
    )
    .map((parts) => parts.join("")),
  known("id", "as it is"),
  anything,
);
const cursors = fc.oneof(
  known("cursor"),
  fc.array(cursorParts, { maxLength: 3 }).map((parts): Recipe => ({ "@base64": parts })),
  anything.map((content): Recipe => ({ "@base64": content })),
);
export const locales = fc.constantFrom<Recipe>(
  "en",
  "pt-BR",
  "PT_br",
  "zh-Hant-TW",
  "de-DE-1996-u-co-phonebk",
  "x-private",
  "en-u-",
  "*",
  "i-klingon",
  "a".repeat(100),
  `en-${MARK}`,
  "../pt-BR",
  "constructor",
);
const solutions = fc.oneof(
  known("challenge"),
  fc
    .record({
      challenge: fc.oneof(
        anything,
        fc.record({
          parameters: fc.oneof(
            anything,
            fc.record({
              algorithm: fc.constantFrom<Recipe>("PBKDF2/SHA-256", "SHA-1", "constructor", null),
              nonce: hostileText,
              salt: hostileText,
              cost: numbers,
              keyLength: numbers,
              keyPrefix: hostileText,
              expiresAt: numbers,
            }),
          ),
          signature: hostileText,
        }),
      ),
      solution: fc.oneof(anything, fc.record({ counter: numbers, derivedKey: hostileText })),
    })
    .map((content): Recipe => ({ "@base64": content })),
  anything.map((content): Recipe => ({ "@base64": content })),
);

/** By the names of arguments. An argument with another name gets anything, which tries it too. */
const PLAUSIBLE: readonly (readonly [RegExp, Arbitrary<Recipe>])[] = [
  [/username/i, fc.oneof(usernames, known("email", "as it is"))],
  [/email/i, emails],
  [/password/i, passwords],
  [/token/i, anyToken],
  [/id$/i, ids],
  [/^first$/, fc.oneof(fc.integer({ min: 1, max: 100 }), numbers)],
  [/^after$/, cursors],
  [/^search$/, fc.oneof(usernames, emails, fc.constantFrom<Recipe>("", "%", "_", "\\"))],
  [/locale/i, locales],
  [/solution/i, solutions],
];

function valuesOf(type: GraphQLEnumType): Arbitrary<Recipe> {
  const names = [...type.getValues().map(({ name }) => name), "NONE"];
  const value = fc.constantFrom<Recipe>(...names.map((name) => ({ "@enum": name })), "USER");
  return fc.oneof(
    { weight: 4, arbitrary: fc.array(value, { maxLength: 4 }) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom<Recipe>({ "@enum": "NONE" }, 1, "", null)
        .map((one) => new Array<Recipe>(60).fill(one)),
    },
  );
}

export function valueOf({ name, type }: GraphQLArgument, field: string): Arbitrary<Recipe> {
  const named = getNamedType(type);
  // finalizeReset takes the token of a reset, and so on.
  const own = TOKENS.find((kind) => field.toLowerCase().includes(kind.replace("-", "")));
  const byName =
    own !== undefined && /token/i.test(name)
      ? fc.oneof(known(own, "as it is"), known(own), anyToken)
      : PLAUSIBLE.find(([pattern]) => pattern.test(name))?.[1];
  const plausible = isEnumType(named) ? valuesOf(named) : byName;
  if (plausible === undefined) return anything;
  return fc.oneof(
    { weight: 8, arbitrary: plausible },
    { weight: 2, arbitrary: hostileText },
    { weight: 2, arbitrary: unstorable },
    { weight: 1, arbitrary: anything },
  );
}
