// The figures, their targets and the measurements behind them.
import { median, ratios, type Measured } from "./measuring.ts";

/** Written to results.json. */
export interface Figure {
  readonly value: number;
  readonly target: string | null;
  readonly met: boolean | null;
  /** The lowest and highest value of the rounds. */
  readonly spread: readonly [number, number];
}

export type Figures = Record<string, Figure>;

interface Kind {
  readonly unit: "" | " ms" | " MB";
  /** Which direction is better, even without a target. */
  readonly better: "more" | "less";
  readonly target?: number;
}

/** By name, in the order of the table. A name can be followed by a detail in brackets, and by " at <accounts>". */
const KINDS = {
  "me over the floor": { unit: "", better: "more", target: 0.95 },
  "me over the best peer": { unit: "", better: "more", target: 4 },
  "login over argon2 alone": { unit: "", better: "more", target: 0.95 },
  "register over argon2 alone": { unit: "", better: "more", target: 0.95 },
  "p99 of me in a login storm over p99 without": { unit: "", better: "less", target: 3 },
  "commit to SMTP beyond nodemailer alone": { unit: " ms", better: "less", target: 15 },
  "mails a minute over nodemailer alone": { unit: "", better: "more", target: 0.8 },
  "time with most accounts over fewest": { unit: "", better: "less", target: 1.1 },
  "second start": { unit: " ms", better: "less", target: 2_000 },
  "first start": { unit: " ms", better: "less" },
  "memory idle": { unit: " MB", better: "less", target: 150 },
  "memory under the mixed load": { unit: " MB", better: "less", target: 300 },
  "two workers over one": { unit: "", better: "more" },
  "with rate limits over without": { unit: "", better: "more", target: 0.97 },
} as const satisfies Record<string, Kind>;

export type FigureName = keyof typeof KINDS;

export function figure(name: FigureName, values: readonly number[]): Figure {
  const { better, unit, target }: Kind = KINDS[name];
  const value = median(values);
  if (!Number.isFinite(value)) throw new Error(`"${name}" was not measured: ${values.join(", ")}.`);
  return {
    value: rounded(value),
    target: target === undefined ? null : `${better === "more" ? ">=" : "<="} ${target}${unit}`,
    met: target === undefined ? null : better === "more" ? value >= target : value <= target,
    spread: [rounded(Math.min(...values)), rounded(Math.max(...values))],
  };
}

/** Divides two alternating measurements round by round. */
export function ratioFigure(name: FigureName, measured: Measured, of: string, over: string): Figure {
  return figure(name, ratios(measured[of] ?? [], measured[over] ?? []));
}

export function kindOf(key: string): Kind {
  const name = key.replace(/ \(.*| at .*/, "");
  if (!(name in KINDS)) throw new Error(`There is no figure "${name}".`);
  return KINDS[name as FigureName];
}

const ALLOWED_LOSS = 0.2;

/** Lists the ratios that are more than a fifth worse than the committed ones, one sentence each. */
export function regressions(committed: Figures, now: Figures): string[] {
  return Object.entries(now).flatMap(([key, { value }]) => {
    const before = committed[key];
    const { unit, better } = kindOf(key);
    if (!before || unit !== "") return []; // milliseconds and bytes depend on the machine
    const loss = better === "more" ? 1 - value / before.value : value / before.value - 1;
    return loss > ALLOWED_LOSS ? [`${key}: ${value}, was ${before.value}`] : [];
  });
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
