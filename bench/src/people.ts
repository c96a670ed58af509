// The people whom every server knows alike.
import type { Person } from "./contender.ts";

const PASSWORD = "Seven-Quiet-Otters-42";

export function person(number: number): Person {
  const username = `user${number}`;
  return { number, username, email: `${username}@bench.test`, password: PASSWORD };
}

// Beyond every number that is loaded.
let newcomers = 10_000_000;

/** Somebody whom no server knows. */
export function newcomer(): Person {
  return person((newcomers += 1));
}
