// HTTP messages, most of which are wrong somewhere, to every route of the server.
import { globSync, readFileSync } from "node:fs";

import fc, { type Arbitrary } from "fast-check";

import { cleaned, header, type Header } from "./headers.ts";
import { MARK, type Ingredients, type Recipe } from "./ingredients.ts";
import { anything, hostileText, numbers } from "./values.ts";

/** Every route of the server, and the folder of its files. */
const ROUTES = [
  ...new Set(
    globSync("src/http/*.ts")
      .map((file) => readFileSync(file, "utf8"))
      .flatMap((source) => [...source.matchAll(/"(\/[\w/:.-]*)"/g)].map(([, path]) => path!)),
  ),
];

export interface MessageRecipe {
  readonly method: string;
  readonly target: Recipe;
  readonly version: string;
  readonly headers: readonly Header[];
  readonly body: Recipe;
  readonly framing: Framing;
  /** Whether only what HTTP allows is sent, so that it comes further. */
  readonly isClean: boolean;
  readonly lineEnd: string;
}

const FRAMINGS = [
  "a length",
  "nothing",
  "a length that is too short",
  "a length that is too long",
  "a huge length",
  "a negative length",
  "two lengths",
  "chunks",
  "chunks without an end",
  "a bad chunk",
  "a length and chunks",
] as const;
type Framing = (typeof FRAMINGS)[number];

const MESSAGE_HEADERS: Record<string, Arbitrary<Recipe>> = {
  Host: fc.constantFrom<Recipe>(
    ...["localhost", "localhost:4000", "evil.example", "evil.example", "evil.example:4000", "accounts"],
    "127.0.0.1:4000",
    "[::1]",
    `${MARK}.evil.example:80`,
    "localhost.evil.example",
    "evil.example@localhost",
    "localhost@evil.example",
    "localhost:99999",
    "localhost/../x",
    "localhost?x",
    "a b",
    "[",
    "%",
    "xn--a",
    "",
    "\ud83d\ude00",
  ),
  "Content-Type": fc.constantFrom<Recipe>(
    "application/json",
    "application/json; charset=utf-8",
    "application/json; charset=utf-16",
    `application/json; charset=${MARK}`,
    "application/json;;;",
    "application/graphql",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "APPLICATION/JSON",
    "application/json, text/plain",
    "/",
    MARK,
    "",
  ),
  "Content-Encoding": fc.constantFrom<Recipe>("gzip", "identity", "br, gzip", MARK, ""),
  "Content-Length": numbers,
  "Transfer-Encoding": fc.constantFrom<Recipe>("chunked", "gzip, chunked", "identity", MARK),
  Connection: fc.constantFrom<Recipe>("keep-alive", "close", "upgrade", "host, content-length", MARK),
  Upgrade: fc.constantFrom<Recipe>("websocket", "h2c", MARK),
  "HTTP2-Settings": hostileText,
  Expect: fc.constantFrom<Recipe>("100-continue", "200-ok", MARK),
  TE: fc.constantFrom<Recipe>("trailers", MARK),
  Trailer: hostileText,
  "Keep-Alive": fc.constantFrom<Recipe>("timeout=1000000", MARK),
  [MARK]: hostileText,
};
const messageHeader: Arbitrary<Header> = fc.oneof(
  { weight: 20, arbitrary: header },
  {
    weight: 12,
    arbitrary: fc
      .constantFrom(...Object.keys(MESSAGE_HEADERS))
      .chain((name) => MESSAGE_HEADERS[name]!.map((value): Header => [name, value])),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom("", " ", "a b", "a\0", "é", "(", "X-\r\nY"), hostileText),
  },
);

/** What replaces a parameter of a route, and what is added to a route. */
const segments = fc.constantFrom<Recipe>(
  "00000001",
  "1",
  MARK,
  "..%2f..%2f..%2fetc%2fpasswd",
  "%2e%2e",
  "..",
  ".",
  "%00",
  "%0d%0aSet-Cookie:%20a=b",
  "%",
  "%E0%A4%A",
  "%F0%9F%98%80",
  "a%20b",
  "*",
  ":id",
  "__proto__",
  { "@long": "a", times: 101 },
  { "@long": "a/", times: 500 },
  { "@long": "%41", times: 6_000 },
);
const DISGUISES: readonly ((path: string) => string)[] = [
  (path) => path,
  (path) => path,
  (path) => path,
  (path) => path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  (path) =>
    path.replace(/[a-z](?=[^a-z]*$)/, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`),
  (path) => path.toUpperCase(),
  (path) => `${path}/`,
  (path) => `/${path}`,
  (path) => `http://localhost${path}`,
  (path) => `https://evil.example:80${path}`,
  (path) => `//evil.example${path}`,
  (path) => `${path};a=b`,
  (path) => `${path}#a`,
  (path) => `/x/..${path}`,
  (path) => path.replaceAll("/", "\\"),
  (path) => path.replaceAll("/", "%2f"),
  (path) => path.slice(1),
  (path) => `${path}%`,
  (path) => `${path}\0`,
];
const searches = fc.constantFrom<Recipe>(
  "",
  "",
  "",
  "?",
  `?${MARK}`,
  `?query=%7B__typename%7D`,
  `?query=%7B__typename%7D&query=%7B__typename%7D`,
  `?query=${MARK}&variables=${MARK}&operationName=${MARK}`,
  "?query[]=a&variables[a]=b",
  "?__proto__[a]=b&constructor=c",
  "?%",
  `?query=mutation%20%7Blogout%7Bmessage%7D%7D`,
  { "@joined": ["?", { "@long": "a=b&", times: 3_000 }] },
);
const target: Arbitrary<Recipe> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom(...ROUTES), segments, fc.nat(DISGUISES.length - 1), searches)
      .map(([route, segment, disguise, search]): Recipe => {
        const [before = "", after] = DISGUISES[disguise]!(route).split(/:id|$/i, 2);
        const isFolder = route.endsWith("/") && route !== "/";
        return {
          "@joined": [before, ...(route.includes(":id") || isFolder ? [segment] : []), after ?? "", search],
        };
      }),
  },
  { weight: 1, arbitrary: segments.map((segment): Recipe => ({ "@joined": ["/", segment] })) },
  { weight: 1, arbitrary: hostileText },
  { weight: 1, arbitrary: fc.constantFrom<Recipe>("*", "", "localhost:80", "http://", "/", "?") },
);

const GOOD_BODY = '{"query":"{ __typename }"}';
const bodies: Arbitrary<Recipe> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(GOOD_BODY, "") },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Recipe>(
      "",
      `\ufeff${GOOD_BODY}`,
      "{",
      "[]",
      "null",
      "0",
      `"${MARK}"`,
      `{"query":1}`,
      `{"query":null,"variables":"${MARK}"}`,
      `{"query":"{ __typename }","variables":[1],"extensions":3,"operationName":{}}`,
      `{"__proto__":{"query":"{ __typename }"}}`,
      `{"query":"{ ${MARK} }"}`,
      `query=%7B__typename%7D`,
      `${GOOD_BODY}GET /livez HTTP/1.1\r\nHost: a\r\n\r\n`,
      { "@long": `{"query":"${MARK}"}`, times: 700 },
      { "@long": "[", times: 16_000 },
    ),
  },
  { weight: 2, arbitrary: anything },
  {
    weight: 2,
    arbitrary: fc
      .uint8Array({ maxLength: 40 })
      .map((bytes): Recipe => ({ "@latin1": Buffer.from(bytes).toString("latin1") })),
  },
);

/** Anything that is about HTTP, or is not quite. */
const strange: Arbitrary<MessageRecipe> = fc.record({
  method: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom("GET", "POST") },
    {
      weight: 4,
      arbitrary: fc.constantFrom("DELETE", "HEAD", "OPTIONS", "PUT", "PATCH", "TRACE", "QUERY", "PROPFIND"),
    },
    { weight: 1, arbitrary: fc.constantFrom("CONNECT", "get", MARK, "", "GET GET", "\0") },
  ),
  target,
  version: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0") },
    { weight: 1, arbitrary: fc.constantFrom("HTTP/2.0", "HTTP/0.9", "http/1.1", "", MARK, "HTTP/1.1 x") },
  ),
  headers: fc.array(messageHeader, { maxLength: 5 }),
  body: bodies,
  framing: fc.oneof(
    { weight: 3, arbitrary: fc.constant<Framing>("a length") },
    { weight: 1, arbitrary: fc.constantFrom(...FRAMINGS) },
  ),
  isClean: fc.oneof(
    { weight: 5, arbitrary: fc.constant(true) },
    { weight: 1, arbitrary: fc.constant(false) },
  ),
  lineEnd: fc.oneof(
    { weight: 30, arbitrary: fc.constant("\r\n") },
    { weight: 1, arbitrary: fc.constantFrom("\n", "\r", "\r\n ", "\0\r\n") },
  ),
});

/** An operation that is good, but for how its address is written and what its headers say. */
const disguised: Arbitrary<MessageRecipe> = fc.record({
  method: fc.constant("POST"),
  target: fc.nat(DISGUISES.length - 1).map((disguise) => DISGUISES[disguise]!("/graphql")),
  version: fc.constant("HTTP/1.1"),
  headers: fc
    .tuple(MESSAGE_HEADERS["Host"]!, fc.array(header, { maxLength: 3 }))
    .map(([host, headers]): Header[] => [["Host", host], ...headers]),
  body: fc.constant(GOOD_BODY),
  framing: fc.constant<Framing>("a length"),
  isClean: fc.constant(true),
  lineEnd: fc.constant("\r\n"),
});

export const message: Arbitrary<MessageRecipe> = fc.oneof(
  { weight: 3, arbitrary: strange },
  { weight: 1, arbitrary: disguised },
);

export interface Message {
  readonly bytes: Buffer;
  /** How many values were made for it: its request line, its headers and its body. */
  readonly inputs: number;
  /** The names of hosts that it was sent to. */
  readonly hosts: readonly string[];
}

export function messageFor(recipe: MessageRecipe, ingredients: Ingredients): Message {
  const { method, version, headers, body, framing, lineEnd } = recipe;
  const target = targetFor(recipe, ingredients);
  const made = headers
    .map(([name, value]) => [ingredients.text(name), ingredients.makeText(value)] as const)
    .filter(([name]) => !recipe.isClean || isPlainHeader(name))
    .map(([name, value]) => [name, recipe.isClean ? cleaned(value) : value] as const);
  const hosts = made.filter(([name]) => name === "Host").map(([, value]) => value);
  const lines = [
    [ingredients.text(method), target, ingredients.text(version)].join(" "),
    ...(hosts.length === 0 ? ["Host: localhost"] : []),
    ...made.map(([name, value]) => `${name}: ${value}`),
  ];
  if (!made.some(([name]) => name === "Content-Type")) lines.push("Content-Type: application/json");
  const content = contentOf(body, ingredients);
  const length = content.length;
  const chunked = (size: string, end: string) =>
    Buffer.concat([Buffer.from(`${size}\r\n`), content, Buffer.from(end)]);
  const framed: Record<Framing, () => Buffer> = {
    "a length": () => (lines.push(`Content-Length: ${length}`), content),
    nothing: () => content,
    "a length that is too short": () => (lines.push(`Content-Length: ${length >> 1}`), content),
    "a length that is too long": () => (lines.push(`Content-Length: ${length + 10}`), content),
    "a huge length": () => (lines.push(`Content-Length: ${"9".repeat(30)}`), content),
    "a negative length": () => (lines.push("Content-Length: -1"), content),
    "two lengths": () => (lines.push(`Content-Length: ${length}`, "Content-Length: 0"), content),
    chunks: () => (lines.push("Transfer-Encoding: chunked"), chunked(length.toString(16), "\r\n0\r\n\r\n")),
    "chunks without an end": () => (
      lines.push("Transfer-Encoding: chunked"),
      chunked(length.toString(16), "\r\n")
    ),
    "a bad chunk": () => (lines.push("Transfer-Encoding: chunked"), chunked("zz", "\r\n0\r\n\r\n")),
    "a length and chunks": () => (
      lines.push(`Content-Length: ${length}`, "Transfer-Encoding: chunked"),
      chunked(length.toString(16), "\r\n0\r\n\r\n")
    ),
  };
  const sent = framed[framing]();
  const head = Buffer.from(lines.join(lineEnd) + lineEnd + lineEnd);
  return { bytes: Buffer.concat([head, sent]), inputs: 2 + made.length, hosts };
}

/** A header that changes nothing about where the message ends. */
const isPlainHeader = (name: string) =>
  /^[\w-]+$/.test(name) && !/^(?:content-length|transfer-encoding)$/i.test(name);

function targetFor({ target, isClean }: MessageRecipe, ingredients: Ingredients): string {
  const text = ingredients.makeText(target);
  if (!isClean) return text;
  const begun = /^(?:\/|https?:\/\/)/.test(text) ? text : `/${text}`;
  return begun.replaceAll(/[\0- \x7f-\uffff]/g, (char) => encodeURIComponent(char.toWellFormed()));
}

function contentOf(recipe: Recipe, ingredients: Ingredients): Buffer {
  if (typeof recipe === "object" && recipe !== null && "@latin1" in recipe)
    return Buffer.from(recipe["@latin1"] as string, "latin1");
  return Buffer.from(ingredients.makeText(recipe));
}
