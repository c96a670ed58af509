// Measures in rounds that alternate between the servers, so that a disturbance of the machine affects all of them.

/** One value per round, by the name of what was measured. */
export type Measured = Readonly<Record<string, readonly number[]>>;

export async function interleave(
  rounds: number,
  runners: Readonly<Record<string, () => Promise<number>>>,
): Promise<Measured> {
  const values = Object.fromEntries(Object.keys(runners).map((name) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, run] of Object.entries(runners)) values[name]?.push(await run());
  }
  return values;
}

/** Measures after a warm-up round, because a server is slower until its code is compiled. */
export async function interleaveWarm(
  rounds: number,
  runners: Readonly<Record<string, () => Promise<number>>>,
): Promise<Measured> {
  await interleave(1, runners);
  return interleave(rounds, runners);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}

/** Divides the values round by round. */
export function ratios(values: readonly number[], others: readonly number[]): number[] {
  return values.map((value, round) => value / (others[round] ?? Number.NaN));
}
