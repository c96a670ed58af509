// A hundred thousand steps: MODEL_STEPS of them, without crashes, with them, and under kills that do not end. A crash takes as long as
// hundreds of steps, because an email whose server was killed is sent by another one only after half a minute.
import { test } from "vitest";

import { liveInTurn, liveThroughKills } from "./model/lives.ts";

const ALL = Number(process.env["MODEL_STEPS"] ?? 100_000);
const timeout = 12 * 60 * 60_000;
const STEPS = 100;

test("accounts live as their model says, for long", { timeout }, () =>
  liveInTurn({ lives: Math.ceil((ALL * 0.97) / STEPS), steps: STEPS, crashes: null }),
);

test("crashes leave operations done or not done, for long", { timeout }, () =>
  liveInTurn({ lives: Math.ceil((ALL * 0.01) / STEPS), steps: STEPS, crashes: 20 }),
);

test("no kill takes back what was answered, for long", { timeout }, () =>
  liveThroughKills({ lives: 10, steps: Math.ceil((ALL * 0.02) / 10) }),
);
