// How commands print what they have found: columns for people, or with --json one JSON object per line for programs.
import { printLine } from "../terminal.ts";

export interface Column<Row> {
  /** The name of the column, and of the property in JSON. */
  readonly name: string;
  readonly value: (row: Row) => Value;
  /** In characters; longer values push the others. */
  readonly width: number;
}

/** Null is unknown, or does not apply. */
type Value = string | number | boolean | Date | null | readonly string[];

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
    if (json) printJson(row, columns);
    else printLine(line(columns.map(({ value, width }) => [inWords(value(row)), width])));
  }
}

/** Prints one row, a column per line. */
export function printFacts<Row>(row: Row, columns: readonly Column<Row>[], { json }: Output): void {
  if (json) {
    printJson(row, columns);
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

/** Escaped by JSON, which leaves nothing that a terminal obeys but U+007F to U+009F; `printLine` sees to these. */
function printJson<Row>(row: Row, columns: readonly Column<Row>[]): void {
  printLine(JSON.stringify(Object.fromEntries(columns.map(({ name, value }) => [name, value(row)]))));
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
