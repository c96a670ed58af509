// Random lives of accounts against real servers, held against a small model: several operations at once, users who get into each other's
// way, crashes in between. model.long.test.ts has more of it.
import { test } from "vitest";

import { liveInTurn, liveThroughKills } from "./model/lives.ts";

const timeout = 300_000;

test("accounts live as their model says", { timeout }, () =>
  liveInTurn({ lives: 8, steps: 50, crashes: null }),
);

test("a crash in the middle of an operation leaves it done or not done", { timeout }, () =>
  liveInTurn({ lives: 2, steps: 50, crashes: 12 }),
);

test("no kill of a server, of hashing or of the database takes back what was answered", { timeout }, () =>
  liveThroughKills({ lives: 6, steps: 50 }),
);
