// `node scripts/add-common-passwords.mjs LIST...` (after a build): adds what published lists of common passwords, one on each
// line, contain and no rule or list refuses yet to src/accounts/hashing/more-common-passwords.ts.
import { readFileSync, writeFileSync } from "node:fs";

import { WeakPasswords } from "../dist/accounts/hashing/weak-passwords.js";

const FILE = "src/accounts/hashing/more-common-passwords.ts";
const MIN_LENGTH = 8;

const weak = new WeakPasswords(MIN_LENGTH, "");
const isMissing = (word) =>
  Array.from(word).length >= MIN_LENGTH && weak.fault(word, { username: "", email: "" }) === undefined;
const missing = process.argv
  .slice(2)
  .flatMap((path) => readFileSync(path, "utf8").split(/\r?\n/))
  .map((word) => word.normalize("NFKC").toLowerCase())
  .filter(isMissing);

const [before, words, after] = readFileSync(FILE, "utf8").split("`");
const all = new Set(
  [...words.trim().split("\n"), ...missing].filter((word) => word !== "" && !/[`\\]|\$\{/.test(word)),
);
writeFileSync(FILE, [before, `\n${[...all].sort().join("\n")}\n`, after].join("`"));
console.log(`${all.size} passwords.`);
