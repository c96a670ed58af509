// Random lives of a few accounts that get into each other's way: what fast-check makes up, shortens and prints.
import fc from "fast-check";

import { PARTS, type Part } from "./site.ts";
import { ASKS_FOR, type Step, type World } from "./world.ts";
import type { Operation } from "./account-model.ts";

/** An operation before it is known which links, sessions and people there are. */
type Wish = { readonly name: Operation["name"] } & Readonly<Record<string, string | number | null>>;

interface WishedStep {
  readonly wishes: readonly Wish[];
  readonly crash: Step["crash"];
}

export type History = readonly WishedStep[];

/** Stands for a name or a password that fits, or few would get far: resolved when it is known who there is. */
const FITS = "(fits)";
const mostly = <T>(usual: T, others: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: others });

// Few, so that they meet; one of each in another case.
const username = fc.constantFrom("ada", "ADA", "bob", "eve", "joe");
const email = fc
  .constantFrom("one", "One", "two", "three", "four", "five")
  .map((name) => `${name}@example.com`);
const newPassword = fc.constantFrom("correct horse battery", "another horse battery");
const password = mostly(FITS, newPassword);
/** Of a link or a session: 0 is the one that is most likely to be taken. */
const best = mostly(0, fc.nat({ max: 5 }));
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 2 });

type Values = Record<string, fc.Arbitrary<string | number | null>>;
const WISHES: readonly [weight: number, name: Operation["name"], values: Values][] = [
  [4, "register", { username, email, password: newPassword }],
  [4, "finalizeRegistration", { link: best, password: fc.option(newPassword, { freq: 1 }) }],
  [1, "resendRegistration", { email: mostly(FITS, email) }],
  [3, "requestReset", { email: mostly(FITS, email) }],
  [4, "finalizeReset", { link: best, password: newPassword }],
  [8, "login", { username: mostly(FITS, fc.oneof(username, email)), password }],
  [4, "refreshSession", { session: best, token: mostly(0, fc.nat({ max: 2 })) }],
  [4, "me", { session: best }],
  [1, "logout", { session: best }],
  [1, "logoutEverywhere", { session: best }],
  [2, "changePassword", { session: best, currentPassword: password, newPassword }],
  [2, "changeUsername", { session: best, username }],
  [6, "requestEmailChange", { session: best, newEmail: email, password }],
  [6, "finalizeEmailChange", { link: best, session: orNull(best), password: orNull(password) }],
  [1, "deleteAccount", { session: best, password }],
  [1, "deactivateUser", { session: best }],
  [3, "reactivateUser", { session: best }],
  [1, "endUserSessions", { session: best }],
];
const wishes = fc.oneof(
  ...WISHES.map(([weight, name, values]) => ({
    weight,
    arbitrary: fc.record({ name: fc.constant(name), ...values }),
  })),
);

/**
 * @param steps how many there are on average
 * @param crashes one step of so many has a crash in it; null for none
 */
export function histories(steps: number, crashes: number | null): fc.Arbitrary<History> {
  const parts: readonly Part[] = PARTS.filter((part) => part !== "database");
  const crash = fc.record({ part: fc.constantFrom(...parts), after: fc.nat({ max: 60 }) });
  const together = fc.array(wishes, { minLength: 1, maxLength: 3 });
  const alone = fc.array(wishes, { minLength: 1, maxLength: 1 });
  const step = fc.record({
    wishes: fc.oneof({ weight: 3, arbitrary: alone }, { weight: 1, arbitrary: together }),
    crash: crashes === null ? fc.constant(null) : fc.option(crash, { freq: crashes }),
  });
  return fc.noBias(fc.array(step, { minLength: 1, maxLength: 2 * steps - 1, size: "max" }));
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

/** Null if it needs a link, a session or somebody whom there is not. */
function resolve(wished: Wish, world: World, suffix: string): Operation | null {
  const operation: Record<string, string | number | null> = { ...wished, number: world.nextNumber() };
  for (const key of ["link", "session"] as const) {
    const place = wished[key];
    if (typeof place !== "number") continue;
    const known = key === "link" ? world.linksFor(wished.name) : world.sessions();
    if (known.length === 0) return null;
    operation[key] = known[place % known.length]!;
  }
  const somebody = world.somebody(operation);
  for (const key of ["username", "email", "newEmail", "password", "currentPassword"] as const) {
    const value = wished[key];
    if (value === FITS) {
      if (!somebody) return null;
      const isName = key === "username" || key === "email";
      operation[key] = isName ? somebody[key] : somebody.password;
    } else if (typeof value === "string" && !key.toLowerCase().endsWith("password"))
      operation[key] = value.includes("@") ? value.replace("@", `-${suffix}@`) : `${value}-${suffix}`;
  }
  if (wished.name === "refreshSession") {
    const age = operation["token"] as number;
    operation["token"] = Math.max(1, world.refreshTokensOf(operation["session"] as number) - age);
  }
  return operation as unknown as Operation;
}
