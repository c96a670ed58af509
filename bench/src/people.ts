// The users that every server has.
import type { Person } from "./contender.ts";

const PASSWORD = "Seven-Quiet-Otters-42";

export function person(number: number): Person {
  const username = `user${number}`;
  return { number, username, email: `${username}@bench.test`, password: PASSWORD };
}

// Higher than the number of any loaded user.
let newcomers = 10_000_000;

/** A user that no server has. */
export function newcomer(): Person {
  return person((newcomers += 1));
}
