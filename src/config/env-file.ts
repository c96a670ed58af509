// Reads a .env file like python-dotenv does, so that the file of a Flask application works unchanged. Node's parseEnv and
// the dotenv package do not: they cut an unquoted value at any `#`, even in a URI with a fragment, and do not support
// quoted keys.
import { readFileSync } from "node:fs";

const LINE = /^\s*(?:export\s+)?(?:'([^']+)'|"([^"]+)"|([\w.]+))\s*=(.*)$/;
const ESCAPES: Record<string, string> = { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

/** The variables of the file at `path`; none if the file does not exist. */
export function readEnvFile(path: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
  return parseEnv(text);
}

/** Parses `KEY=value` lines. Keys and values may be quoted, and a `#` after white space starts a comment. */
export function parseEnv(text: string): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const line of text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/)) {
    const match = LINE.exec(line);
    if (!match) continue;
    const [, single, double, bare, value = ""] = match;
    const key = single ?? double ?? bare;
    if (key !== undefined) variables[key] = parseValue(value);
  }
  return variables;
}

function parseValue(raw: string): string {
  const quoted = /^\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/.exec(raw);
  // The escapes of python-dotenv: only two in single quotes. Anything else after a backslash stays as it is.
  if (quoted?.[1] !== undefined) return quoted[1].replace(/\\([\\'])/g, "$1");
  if (quoted?.[2] !== undefined)
    return quoted[2].replace(/\\([\\'"abfnrtv])/g, (_, char: string) => ESCAPES[char] ?? char);
  return raw.replace(/\s#.*$/, "").trim();
}
