// How long a password hash takes on this machine, and what to do if that is too little.
import type { WorkFactor } from "./hash-formats.ts";
import type { Hashing } from "./hashing.ts";

/** Less than this makes guessing cheap: the machine does over a hundred a second on each core. */
const FAR_BELOW_MS = 10;
/** Nobody notices so much at a login. */
const AIM_MS = 40;
const TRIES = 3;
const MAX_PASSES = 32; // as in config/

/** @returns the milliseconds of one hash: the least of a few, because other programs may slow some of them down */
export async function measureWorkFactor(hashing: Hashing, workFactor: WorkFactor): Promise<number> {
  let least = Infinity;
  for (let count = 0; count < TRIES; count += 1) {
    const start = performance.now();
    await hashing.hash("only to measure the time", workFactor);
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

/** A sentence for the operator if the hash takes far less than this machine can give; undefined otherwise. */
export function workFactorAdvice(
  milliseconds: number,
  { memoryKiB, passes }: WorkFactor,
): string | undefined {
  if (milliseconds >= FAR_BELOW_MS) return undefined;
  const more = Math.min(Math.ceil((passes * AIM_MS) / milliseconds), MAX_PASSES);
  return (
    `A password hash takes ${milliseconds.toFixed(1)} ms on this machine (m=${memoryKiB}, t=${passes}), so guessing is cheap. ` +
    `Set PASSWORD_HASH_PASSES=${more}, or a larger PASSWORD_HASH_MIB: about ${AIM_MS} ms go unnoticed at a login.`
  );
}
