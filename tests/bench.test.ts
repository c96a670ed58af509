// What the bench says of the figures it is given. That it can measure them, CI tries with `npm run bench -- --smoke`.
import { existsSync, readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { figure, regressions, type Figures } from "../bench/src/figures.ts";
import { withTable } from "../bench/src/report.ts";
import { withScaleTables, type ScaleResult, type SpeedResults } from "../bench/src/scale/arithmetic.ts";

const PAGE = readFileSync("docs/performance.md", "utf8");
const RESULTS = JSON.parse(readFileSync("bench/results.json", "utf8")) as { figures: Figures };

test("docs/performance.md holds the table of the committed results", () => {
  expect(PAGE).toBe(withTable(PAGE, RESULTS.figures));
});

test("docs/scale.md holds the tables of the committed results", () => {
  const page = readFileSync("docs/scale.md", "utf8");
  const results = JSON.parse(readFileSync("bench/scale-results.json", "utf8")) as ScaleResult[];
  expect(page).toBe(
    withScaleTables(page, results, JSON.parse(readFileSync("bench/results.json", "utf8")) as SpeedResults),
  );
});

test("every chart that docs/performance.md shows exists", () => {
  const charts = [...PAGE.matchAll(/\((\.\.\/bench\/charts\/[^)]+)\)/g)].map(([, path]) => path!);
  expect(charts.length).toBeGreaterThan(0);
  expect(charts.filter((path) => !existsSync(`docs/${path}`))).toEqual([]);
});

test("a figure is the median of its rounds, with their spread, and is met or not", () => {
  expect(figure("me over the floor", [0.99, 0.93, 0.96])).toEqual({
    value: 0.96,
    target: ">= 0.95",
    met: true,
    spread: [0.93, 0.99],
  });
  expect(figure("second start", [2400])).toMatchObject({ target: "<= 2000 ms", met: false });
});

test("what was not measured is no figure", () => {
  expect(() => figure("me over the floor", [])).toThrow('"me over the floor" was not measured');
});

describe("--check", () => {
  const committed = {
    "me over the floor at 1000": figure("me over the floor", [1]),
    "p99 of me in a login storm over p99 without at 1000": figure(
      "p99 of me in a login storm over p99 without",
      [2],
    ),
    "second start": figure("second start", [1000]),
  };
  const now = (key: keyof typeof committed, value: number) => ({
    [key]: { ...committed[key], value },
  });

  test.each([
    ["me over the floor at 1000", 0.79, "me over the floor at 1000: 0.79, was 1"],
    [
      "p99 of me in a login storm over p99 without at 1000",
      2.5,
      "p99 of me in a login storm over p99 without at 1000: 2.5, was 2",
    ],
  ] as const)("fails where %s is %d, worse by more than a fifth", (key, value, sentence) => {
    expect(regressions(committed, now(key, value))).toEqual([sentence]);
  });

  test.each([
    ["me over the floor at 1000", 0.81],
    ["p99 of me in a login storm over p99 without at 1000", 2.3],
    ["second start", 5000], // depends on the machine
  ] as const)("passes where %s is %d", (key, value) => {
    expect(regressions(committed, now(key, value))).toEqual([]);
  });
});
