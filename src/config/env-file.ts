// Reads a .env file the way the dotenv of a Flask application does, so that its file works here unchanged.
// Node's parseEnv and the dotenv package cut an unquoted value at any `#` (a URI with a fragment would lose
// it) and know no quoted keys, which is why this is our own.
import { readFileSync } from "node:fs";

const LINE = /^\s*(?:export\s+)?(?:'([^']+)'|"([^"]+)"|([\w.]+))\s*=(.*)$/;
const ESCAPES: Record<string, string> = { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

/** Variables of the file at `path`; none if there is no such file. */
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

/** Parses `KEY=value` lines: keys and values may stand in quotes, a comment starts at a `#` after white space. */
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
  // The escapes of python-dotenv: few in single quotes, and what is none of them stays as it is.
  if (quoted?.[1] !== undefined) return quoted[1].replace(/\\([\\'])/g, "$1");
  if (quoted?.[2] !== undefined)
    return quoted[2].replace(/\\([\\'"abfnrtv])/g, (_, char: string) => ESCAPES[char] ?? char);
  return raw.replace(/\s#.*$/, "").trim();
}
