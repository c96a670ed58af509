// The two tests of the model, each with as much work as it is given.
import { setTimeout as delay } from "node:timers/promises";

import fc from "fast-check";
import { expect } from "vitest";

import { histories, live } from "./history.ts";
import { PARTS, Site } from "./site.ts";
import { World } from "./world.ts";

/** MODEL_SEED repeats the run that told it. */
const SEED = process.env["MODEL_SEED"];

/** Lives at a time in liveInTurn: one alone waits most of the time, for hashing and for emails. */
const ABREAST = 4;

/**
 * Lives over one server, some at a time, each after another. A failure prints the shortest history that shows it, and its seed.
 * @param crashes one step of so many has a crash in it, which all who live at that time get to feel; null for none
 */
export async function liveInTurn(options: {
  lives: number;
  steps: number;
  crashes: number | null;
}): Promise<void> {
  const { lives, steps, crashes } = options;
  const site = await Site.open({ servers: 1, hasOwnDatabase: false });
  const seed = newSeed();
  let failing: number | null = null;
  let count = 0;
  const rows = Array.from({ length: ABREAST }, async (_each, row) => {
    const property = fc.asyncProperty(histories(steps, crashes), async (history) => {
      if (failing !== null && failing !== row) return; // the shortest history is looked for in peace
      count += 1;
      try {
        await live(history, new World(site), `t${count}`);
      } catch (error) {
        failing ??= row;
        throw error;
      }
    });
    const found = await fc.check(property, { numRuns: Math.ceil(lives / ABREAST), seed: seed + row });
    const { failed, counterexample, errorInstance } = found;
    if (failed)
      throw new Error(
        `This shows it, and MODEL_SEED=${seed} finds it again:
${counterexample![0].map((step) => JSON.stringify(step)).join("\n")}
${(errorInstance as Error).message}`,
        { cause: errorInstance },
      );
  });
  await Promise.all(rows);
  await expectVerified(site);
}

/** Many lives at once over two servers, whose parts are killed all the time. Then there is a while of peace. */
export async function liveThroughKills(options: { lives: number; steps: number }): Promise<void> {
  const { lives, steps } = options;
  const seed = newSeed();
  const site = await Site.open({ servers: 2, hasOwnDatabase: true });
  const sample = fc.sample(histories(steps, null), { numRuns: lives, seed });
  const worlds = sample.map((history, index) => ({ world: new World(site), history, suffix: `k${index}` }));
  const kill = fc.record({
    part: fc.constantFrom(...PARTS),
    server: fc.nat({ max: 1 }),
    pauseMs: fc.nat({ max: 1500 }),
  });
  const kills = fc.sample(kill, { numRuns: 10_000, seed });

  let isOver = false;
  const killing = async () => {
    for (const { part, server, pauseMs } of kills) {
      await delay(pauseMs);
      if (isOver) return;
      await site.crash(part, server);
    }
  };
  const living = Promise.all(
    worlds.map(({ world, history, suffix }) => live(history, world, suffix)),
  ).finally(() => (isOver = true));
  try {
    await Promise.all([living, killing()]);
    // What the servers say now has to be explained by what they have said before.
    const peace = fc.sample(histories(Math.ceil(steps / 4), null), { numRuns: lives, seed: seed + 1 });
    await Promise.all(worlds.map(({ world, suffix }, index) => live(peace[index]!, world, suffix)));
  } catch (error) {
    throw new Error(`with MODEL_SEED=${seed}: ${(error as Error).message}`, { cause: error });
  }
  await expectVerified(site);
}

const newSeed = () => (SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(SEED));

async function expectVerified(site: Site): Promise<void> {
  await site.mailsSettled();
  expect(await site.verify()).toMatch(/^(\d+) of \1 hold\.$/m);
}
