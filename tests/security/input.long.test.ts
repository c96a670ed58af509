// As input.test.ts, with a million inputs. INPUTS=50000 sends fewer.
import { expect, test } from "vitest";

import { fieldNamed } from "../support/input/operations.ts";
import { attackWithMessages, attackWithOperations, attackWithSolutions } from "./input.ts";

const MILLION = 1_000_000;
const INPUTS = Number(process.env["INPUTS"] ?? MILLION);
const TIMEOUT = { timeout: 3_600_000 };

test("no operation is broken by any of 780,000 inputs", TIMEOUT, async () => {
  const { inputs, succeeded } = await attackWithOperations(0.78 * INPUTS);
  expect(inputs).toBeGreaterThanOrEqual(0.78 * INPUTS);
  if (INPUTS < MILLION) return;
  const never = [...fieldNamed.keys()].filter((name) => !succeeded.has(name));
  expect(never, "operations that were never given what they take").toEqual([]);
});

test("no route is broken by any of 200,000 inputs in HTTP messages", TIMEOUT, async () => {
  const { inputs } = await attackWithMessages(0.2 * INPUTS);
  expect(inputs).toBeGreaterThanOrEqual(0.2 * INPUTS);
});

test("no check of a challenge is broken by any of 20,000 inputs", TIMEOUT, async () => {
  const { inputs } = await attackWithSolutions(0.02 * INPUTS);
  expect(inputs).toBeGreaterThanOrEqual(0.02 * INPUTS);
});
