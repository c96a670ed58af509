// Random lives of accounts against real servers, held against a small model: several operations at once, users who get into each other's
// way, crashes in between. model.long.test.ts has more of it.
import { test } from "vitest";

import { liveInTurn, liveThroughKills } from "./model/lives.ts";

const timeout = 300_000;

test("accounts live as their model says", { timeout }, () =>
  liveInTurn({ lives: 10, steps: 60, crashes: null }),
);

test("no kill of a server, of hashing or of the database takes back what was answered", { timeout }, () =>
  liveThroughKills({ lives: 6, steps: 60 }),
);
