// Follows a recipe of docs/contributing/: its blocks of code, in their order, in a copy of the repository.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Either a file to write, or a change of one, or commands to run. */
export type Step =
  | { readonly file: string; readonly text: string }
  | { readonly file: string; readonly diff: string }
  | { readonly commands: string };

const BLOCK = /^( *)```(\w+)\n([\s\S]*?)\n\1```$/gm;
const FILE = /`([\w./-]+\.\w+)`/g;

/** The steps of a recipe. A block is about the file that is named last before it. */
export function stepsOf(markdown: string): Step[] {
  let file = "";
  let end = 0;
  return [...markdown.matchAll(BLOCK)].map((block) => {
    const [whole, indent, language, indented] = block as unknown as string[];
    file = [...markdown.slice(end, block.index).matchAll(FILE)].at(-1)?.[1] ?? file;
    end = block.index + whole!.length;
    const text = indented!.replaceAll(new RegExp(`^${indent}`, "gm"), "") + "\n";
    if (language === "sh") return { commands: text };
    return language === "diff" ? { file, diff: text } : { file, text };
  });
}

/** @throws {Error} where the lines that a diff shows are not those of the file */
export function edit(folder: string, step: Exclude<Step, { commands: string }>): void {
  const path = join(folder, step.file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, "text" in step ? step.text : patched(readFileSync(path, "utf8"), step));
}

function patched(source: string, { file, diff }: { file: string; diff: string }): string {
  return diff.split("@@\n").reduce((text, hunk) => {
    const lines = hunk.split("\n").slice(0, -1);
    const without = (sign: string) =>
      lines.filter((line) => !line.startsWith(sign)).map((line) => `${line.slice(1)}\n`);
    const before = without("+").join("");
    if (text.split(`\n${before}`).length !== 2) throw new Error(`${file} has not once:\n${before}`);
    return text.replace(`\n${before}`, () => `\n${without("-").join("")}`);
  }, source);
}
