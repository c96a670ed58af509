// Random lives of a few accounts that get into each other's way: what fast-check makes up, shortens and prints.
import fc from "fast-check";

import { PARTS, type Part } from "./site.ts";
import { ASKS_FOR, type Step, type World } from "./world.ts";
import type { Operation } from "./account-model.ts";

/** An operation before it is known which links and sessions there are: the most recent is 0. */
type Wish = { readonly name: Operation["name"] } & Readonly<Record<string, string | number | null>>;

interface WishedStep {
  readonly wishes: readonly Wish[];
  readonly crash: Step["crash"];
}

export type History = readonly WishedStep[];

// Few, so that they meet; one of each in another case.
const username = fc.constantFrom("ada", "ADA", "bob", "eve");
const email = fc.constantFrom("one@example.com", "One@example.com", "two@example.com", "three@example.com");
const password = fc.constantFrom("correct horse battery", "another horse battery", "a third horse battery");
const recent = fc.nat({ max: 5 });
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 2 });
const wish = (name: Operation["name"], values: Record<string, fc.Arbitrary<string | number | null>>) =>
  fc.record({ name: fc.constant(name), ...values }) as fc.Arbitrary<Wish>;

const wishes = fc.oneof(
  { weight: 3, arbitrary: wish("register", { username, email, password }) },
  { weight: 4, arbitrary: wish("finalizeRegistration", { link: recent, password: orNull(password) }) },
  { weight: 1, arbitrary: wish("resendRegistration", { email }) },
  { weight: 2, arbitrary: wish("requestReset", { email }) },
  { weight: 2, arbitrary: wish("finalizeReset", { link: recent, password }) },
  { weight: 3, arbitrary: wish("login", { username: fc.oneof(username, email), password }) },
  { weight: 2, arbitrary: wish("refreshSession", { session: recent, token: fc.nat({ max: 2 }) }) },
  { weight: 2, arbitrary: wish("me", { session: recent }) },
  { weight: 1, arbitrary: wish("logout", { session: recent }) },
  { weight: 1, arbitrary: wish("logoutEverywhere", { session: recent }) },
  {
    weight: 2,
    arbitrary: wish("changePassword", { session: recent, currentPassword: password, newPassword: password }),
  },
  { weight: 1, arbitrary: wish("changeUsername", { session: recent, username }) },
  { weight: 3, arbitrary: wish("requestEmailChange", { session: recent, newEmail: email, password }) },
  {
    weight: 4,
    arbitrary: wish("finalizeEmailChange", {
      link: recent,
      session: orNull(recent),
      password: orNull(password),
    }),
  },
  { weight: 1, arbitrary: wish("deleteAccount", { session: recent, password }) },
  { weight: 1, arbitrary: wish("deactivateUser", { session: recent }) },
  { weight: 1, arbitrary: wish("reactivateUser", { session: recent }) },
  { weight: 1, arbitrary: wish("endUserSessions", { session: recent }) },
);

/** @param crashes one step of so many has a crash in it; null for none */
export function histories(steps: number, crashes: number | null): fc.Arbitrary<History> {
  const parts: readonly Part[] = PARTS.filter((part) => part !== "database");
  const crash = fc.record({ part: fc.constantFrom(...parts), after: fc.nat({ max: 60 }) });
  const together = fc.array(wishes, { minLength: 1, maxLength: 3 });
  const alone = fc.array(wishes, { minLength: 1, maxLength: 1 });
  const step = fc.record({
    wishes: fc.oneof({ weight: 3, arbitrary: alone }, { weight: 1, arbitrary: together }),
    crash: crashes === null ? fc.constant(null) : fc.option(crash, { freq: crashes }),
  });
  return fc.array(step, { minLength: steps, maxLength: steps, size: "max" });
}

/** Lives a history in a world of its own: others have other names. */
export async function live(history: History, world: World, suffix: string): Promise<void> {
  for (const { wishes, crash } of history) {
    const operations: Operation[] = [];
    for (const wished of wishes) {
      const operation = resolve(wished, world, suffix);
      // Of two emails with one subject to one address, nobody could tell whose link is in which.
      const asks = operation && ASKS_FOR[operation.name];
      if (!operation || (asks && operations.some(({ name }) => ASKS_FOR[name] === asks))) continue;
      operations.push(operation);
    }
    if (operations.length > 0 || crash) await world.take({ operations, crash });
  }
}

/** Null if it needs a link or a session, and nobody has one. */
function resolve(wished: Wish, world: World, suffix: string): Operation | null {
  const operation: Record<string, string | number | null> = { ...wished, number: world.nextNumber() };
  for (const [key, value] of Object.entries(wished)) {
    if (key === "link" || key === "session") {
      const known = key === "link" ? world.links : world.sessions;
      if (value === null) continue;
      if (known.length === 0) return null;
      operation[key] = known[(value as number) % known.length]!;
    } else if (typeof value === "string" && ["username", "email", "newEmail"].includes(key))
      operation[key] = value.includes("@") ? value.replace("@", `-${suffix}@`) : `${value}-${suffix}`;
  }
  if (wished.name === "refreshSession") {
    const age = operation["token"] as number;
    operation["token"] = Math.max(1, world.refreshTokensOf(operation["session"] as number) - age);
  }
  return operation as unknown as Operation;
}
