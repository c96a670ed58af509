// Whatever is sent: the answer is a documented one, nothing of it is logged, nobody else's account changes, and what is stored stays
// whole (input.ts). The inputs are others each time; a failure tells the INPUT_SEED that brings them back.
import { expect, test } from "vitest";

import { fieldNamed } from "../support/input/operations.ts";
import { attackWithMessages, attackWithOperations, attackWithSolutions } from "./input.ts";

test("no value of an argument, in whatever document and under whatever headers, breaks an operation", async () => {
  const { args } = await attackWithOperations(2_500);
  const all = [...fieldNamed.values()].flatMap(({ name, args }) => args.map((arg) => `${name}.${arg.name}`));
  expect([...args].sort(), "every argument was tried").toEqual(all.sort());
});

test("no HTTP message breaks a route, those of the mailbox included", async () => {
  await attackWithMessages(1_500);
});

test("nothing that is sent as the solution of a challenge breaks what asks for one", async () => {
  await attackWithSolutions(500);
});
