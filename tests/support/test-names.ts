// The names of the tests in a file, as they stand in its source.
import { readFileSync } from "node:fs";

import ts from "typescript";

/** Every test, and every group of tests, by the names on the way to it: `a body > of one byte more answers 413`. */
export function testNames(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
  const names: string[] = [];
  function visit(node: ts.Node, path: readonly string[]): void {
    const name = nameOfTest(node);
    const inside = name === undefined ? path : [...path, name];
    if (name !== undefined) names.push(inside.join(" > "));
    ts.forEachChild(node, (child) => visit(child, inside));
  }
  visit(source, []);
  return names;
}

/** The first argument of `test`, `it` or `describe`, also behind `.each(...)` or `.skipIf(...)`. */
function nameOfTest(node: ts.Node): string | undefined {
  if (!ts.isCallExpression(node) || !/^(?:test|it|describe)\b/.test(node.expression.getText()))
    return undefined;
  const [name, body] = node.arguments;
  return name && body && ts.isStringLiteralLike(name) ? name.text : undefined;
}
