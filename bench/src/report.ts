// Formats the table of figures, for the terminal and for docs/performance.md.
import { kindOf, type Figures } from "./figures.ts";

/** In Markdown. */
export function figureTable(figures: Figures): string {
  const rows = Object.entries(figures).map(([name, { value, target, met, spread }]) => {
    const { unit } = kindOf(name);
    return [
      name.replace(
        / at (\d+)$/,
        (_all, count: string) => ` at ${Number(count).toLocaleString("en")} accounts`,
      ),
      `${value}${unit}`,
      `${spread[0]} to ${spread[1]}`,
      target ?? "",
      met === null ? "" : met ? "yes" : "no",
    ];
  });
  return markdownTable(["figure", "value", "rounds", "target", "met"], rows);
}

/** Replaces the table between the two markers of the page. */
export function withTable(page: string, figures: Figures): string {
  const [begin, end] = ["<!-- figures -->", "<!-- end of figures -->"];
  const [before = "", after = ""] = [page.split(begin)[0], page.split(end)[1]];
  return `${before}${begin}\n\n${figureTable(figures)}\n\n${end}${after}`;
}

export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}
