// docs/asvs.md answers every requirement of OWASP ASVS 5.0 that it promises to answer, by tests and documents that exist.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { testNames } from "../support/test-names.ts";

const CHAPTERS = [1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16];
const LEVELS = [1, 2];

const { levels } = JSON.parse(readFileSync("tests/fixtures/asvs-5.0.0.json", "utf8")) as {
  levels: Record<string, number>;
};
const asked = Object.entries(levels).filter(
  ([id, level]) => LEVELS.includes(level) && CHAPTERS.includes(Number(/^V(\d+)/.exec(id)![1])),
);

interface Answer {
  readonly id: string;
  readonly level: number;
  /** The sentences of the answer. */
  readonly text: string;
  /** The tests and documents below it. */
  readonly proofs: readonly string[];
}

/** The answers of docs/asvs.md: `- **V1.2.4** (1) sentences`, and below it one proof a line. */
function answersIn(document: string): Answer[] {
  return document.split(/^(?=- \*\*V)/m).flatMap((part) => {
    const item = part.split(/^(?=#)/m, 1)[0]!.trim();
    const match = /^- \*\*(V[\d.]+)\*\* \((\d)\) ([\s\S]*)$/.exec(item);
    if (!match) return [];
    const [text = "", ...proofs] = match[3]!.split(/^ {2}- /m);
    return [{ id: match[1]!, level: Number(match[2]), text: inOneLine(text), proofs: proofs.map(inOneLine) }];
  });
}
const inOneLine = (text: string) => text.replaceAll(/\s+/g, " ").trim();

const answers = answersIn(readFileSync("docs/asvs.md", "utf8"));

const namesOf = new Map<string, string[]>();

/** What is wrong with a proof; undefined if it exists. */
function faultOf(proof: string): string | undefined {
  const [, file, name] = /^`(tests\/[\w/-]+(?:\.long)?\.test\.ts): "(.+)"`$/.exec(proof) ?? [];
  if (file !== undefined && name !== undefined) {
    if (!existsSync(file)) return `there is no ${file}`;
    const names = namesOf.get(file) ?? testNames(file);
    namesOf.set(file, names);
    return names.includes(name) ? undefined : `${file} has no test "${name}"`;
  }
  const [, path, anchor] = /^\[[^\]]+\]\(([^)#]+)(?:#([^)]+))?\)$/.exec(proof) ?? [];
  if (path === undefined) return `this is neither a test nor a document: ${proof}`;
  const document = join("docs", path);
  if (!existsSync(document)) return `there is no ${document}`;
  if (anchor === undefined || headingsOf(document).includes(anchor)) return undefined;
  return `${document} has no heading #${anchor}`;
}

/** The anchors of a document's headings, as GitHub makes them. */
function headingsOf(document: string): string[] {
  return [...readFileSync(document, "utf8").matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, "")
      .replaceAll(" ", "-"),
  );
}

test("every requirement of levels 1 and 2 in the chapters that apply is answered once, under its level", () => {
  expect(answers.map(({ id, level }) => [id, level])).toEqual(asked);
});

test("no requirement is left open", () => {
  const open = answers.flatMap(({ id, text, proofs }) =>
    [text, ...proofs].filter((part) => /\b(?:OPEN|PENDING)\b/.test(part)).map((part) => `${id} ${part}`),
  );
  expect(open).toEqual([]);
});

test("what applies has a proof, and what does not apply or is not followed a reason", () => {
  const bare = answers.filter(({ text, proofs }) => {
    if (/^Does not apply: \w.+\.$/.test(text)) return false;
    const isAccepted = proofs.some((proof) => proof.includes("SECURITY.md#known-and-accepted"));
    return proofs.length === 0 || (text.includes("Not followed: ") && !isAccepted);
  });
  expect(bare.map(({ id }) => id)).toEqual([]);
});

test("every test and document that is named exists", () => {
  const faults = answers.flatMap(({ id, proofs }) =>
    proofs.filter((proof) => !proof.startsWith("PENDING")).map((proof) => ({ id, fault: faultOf(proof) })),
  );
  expect(faults.filter(({ fault }) => fault !== undefined)).toEqual([]);
});

test("SECURITY.md names only tests that exist", () => {
  const named = readFileSync("SECURITY.md", "utf8").matchAll(/\(?\b(tests\/[\w/-]+\.test\.ts)\b/g);
  const files = [...new Set([...named].map(([, file]) => file!))];
  expect(files.length).toBeGreaterThan(20);
  expect(files.filter((file) => !existsSync(file))).toEqual([]);
});

describe("the check of names", () => {
  test("finds what is there", () => {
    expect(faultOf('`tests/http/requests.test.ts: "a body > of one byte more answers 413"`')).toBeUndefined();
    expect(faultOf("[Passwords](security.md#passwords)")).toBeUndefined();
  });

  test.each([
    '`tests/http/requests.test.ts: "a body > of one byte more"`',
    '`tests/http/nothing.test.ts: "a body"`',
    "[Passwords](security.md#no-such-heading)",
    "[Passwords](no-such-document.md)",
    "believe me",
  ])("does not take %s", (proof) => {
    expect(faultOf(proof)).not.toBeUndefined();
  });
});
