// How commands print what they have found: columns for people, or with --json one JSON object per line for programs.
import { printJson, printLine } from "../terminal.ts";

export interface Column<Row> {
  /** The name of the column, in words. */
  readonly name: string;
  readonly value: (row: Row) => Value;
  /** In characters; longer values push the others. */
  readonly width: number;
}

/** Null is unknown, or does not apply. */
type Value = string | number | Date | null | readonly string[];

export interface Output {
  readonly json: boolean;
}

/** Prints the rows of all pages, under the names of the columns. */
export async function printRows<Row>(
  rows: AsyncIterable<Row> | Iterable<Row>,
  columns: readonly Column<Row>[],
  { json }: Output,
): Promise<void> {
  if (!json) printLine(line(columns.map(({ name, width }) => [name.toUpperCase(), width])));
  for await (const row of rows) {
    if (json) printJson(inJson(row, columns));
    else printLine(line(columns.map(({ value, width }) => [inWords(value(row)), width])));
  }
}

/** Prints one row, a column per line. */
export function printFacts<Row>(row: Row, columns: readonly Column<Row>[], { json }: Output): void {
  if (json) {
    printJson(inJson(row, columns));
    return;
  }
  const width = Math.max(...columns.map(({ name }) => name.length));
  for (const { name, value } of columns)
    printLine(
      line([
        [name, width],
        [inWords(value(row)), 0],
      ]),
    );
}

/** The names of properties are as those of GraphQL: `lastUsed`. */
function inJson<Row>(row: Row, columns: readonly Column<Row>[]): object {
  const property = (name: string) => name.replace(/ (\w)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(columns.map(({ name, value }) => [property(name), value(row)]));
}

const line = (cells: readonly (readonly [text: string, width: number])[]) =>
  cells
    .map(([text, width]) => text.padEnd(width))
    .join("  ")
    .trimEnd();

function inWords(value: Value): string {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.join(",");
  return value === null ? "-" : String(value);
}

/** The items of all pages of a list. */
export async function* itemsOf<Node>(
  pageAfter: (after: { readonly after?: string }) => Promise<{
    readonly edges: readonly { readonly cursor: string; readonly node: Node }[];
    readonly hasNextPage: boolean;
  }>,
): AsyncGenerator<Node> {
  for (let after: string | undefined; ;) {
    const { edges, hasNextPage } = await pageAfter(after === undefined ? {} : { after });
    for (const { node } of edges) yield node;
    if (!hasNextPage) return;
    after = edges.at(-1)?.cursor;
  }
}
