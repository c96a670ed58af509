// What the source never does, so that no input can be taken for a program and no weak primitive comes in unnoticed.
import { globSync, readFileSync } from "node:fs";

import { expect, test } from "vitest";

const LINES = globSync(["src/**/*.ts", "web/src/**/*.{ts,tsx}"]).flatMap((file) =>
  readFileSync(file, "utf8")
    .split("\n")
    .map((line, index) => ({ file, at: `${file}:${index + 1}`, line }))
    .filter(({ line }) => !/^\s*(?:\/\/|\*|\/\*)/.test(line)),
);

/** Looks passwords up in a service that knows them by their SHA-1, and asks that service of the configuration alone. */
const BREACHED_PASSWORDS = "src/accounts/hashing/breached-passwords.ts";
/** Makes the filter that is asked by the same hash. */
const PASSWORD_FILTER = "src/app/make-password-filter.ts";

/** Where a pattern is found, but in the file that may have it. */
const linesWith = (pattern: RegExp, ...exceptions: string[]) =>
  LINES.filter(({ file, line }) => pattern.test(line) && !exceptions.includes(file)).map(
    ({ at, line }) => `${at}: ${line.trim()}`,
  );

test("evaluates no text as a program", () => {
  expect(
    linesWith(
      /\beval\(|\bnew Function\(|\bFunction\(|\brunIn(?:This|New)?Context\((?!"gc"\))|setTimeout\(\s*["'`]/,
    ),
  ).toEqual([]);
});

test("starts no shell", () => {
  expect(linesWith(/(?<![.\w])exec(?:Sync)?\(|\bshell:/)).toEqual([]);
});

test("makes no regular expression of what a client sends", () => {
  expect(linesWith(/new RegExp\((?!`[^`]*\$\{(?:ATOM|name)\})/, BREACHED_PASSWORDS)).toEqual([]);
});

test("writes no HTML by hand", () => {
  expect(
    linesWith(/dangerouslySetInnerHTML|\.(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write/),
  ).toEqual([]);
});

test("opens no window, and listens to no messages of other pages", () => {
  expect(linesWith(/window\.(?:open|onmessage)|parent\.postMessage|addEventListener\(\s*"message"/)).toEqual(
    [],
  );
});

test("opens no WebSocket", () => {
  expect(linesWith(/WebSocket|"upgrade"/)).toEqual([]);
});

test("asks no server over HTTP", () => {
  expect(
    linesWith(
      /\bfetch\((?!path, options\))|import \{[^}]*\b(?:get|request)\b[^}]*\} from "node:http"|"node:https"|"(?:undici|axios|got)"/,
      BREACHED_PASSWORDS,
    ),
  ).toEqual([]);
});

test("takes no random number but from the system's generator", () => {
  expect(linesWith(/Math\.random/)).toEqual([]);
});

test("uses no broken hash or cipher", () => {
  expect(
    linesWith(
      /createH(?:ash|mac)\(\s*["'](?:md4|md5|sha1|ripemd\w*)["']|\b(?:rc4|des-ede\d?|aes-\d+-(?:ecb|cbc))\b/i,
      BREACHED_PASSWORDS,
      PASSWORD_FILTER,
    ),
  ).toEqual([]);
});

test("encrypts nothing by itself", () => {
  expect(linesWith(/createCipher|createDecipher|publicEncrypt|privateDecrypt|subtle\.encrypt/)).toEqual([]);
});

test("parses no XML, YAML or LaTeX, and asks no LDAP, JNDI or memcached", () => {
  expect(linesWith(/from "[\w@/.-]*(?:xml|xpath|yaml|latex|ldap|jndi|memcache)[\w/-]*"/i)).toEqual([]);
});

test("revives no objects from text", () => {
  expect(linesWith(/\bdeserialize\(|\bunserialize\(/)).toEqual([]);
});

test("holds no private key and no credentials", () => {
  expect(linesWith(/-----BEGIN|:\/\/[\w-]+:[\w-]+@(?!host\b)/)).toEqual([]);
});
