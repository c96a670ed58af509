// The one door to accounts: `accounts.register(...)` and all other use cases, each in a file of its own (use-cases.ts lists them).
// Each either completes, or throws an AccountError and changes nothing (some record the refusal). No transaction or connection is
// held while a password is hashed.
import type { Dependencies } from "./dependencies.ts";
import * as useCases from "./use-cases.ts";

type Bound<UseCase> = UseCase extends (deps: Dependencies, ...args: infer Args) => infer Result
  ? (...args: Args) => Result
  : never;

/** The use cases with their dependencies; one instance serves all requests. */
export type Accounts = { readonly [Name in keyof typeof useCases]: Bound<(typeof useCases)[Name]> };

export function createAccounts(deps: Dependencies): Accounts {
  const bound = Object.entries(useCases).map(([name, useCase]) => [
    name,
    (useCase as (...args: unknown[]) => unknown).bind(null, deps),
  ]);
  return Object.fromEntries(bound) as Accounts;
}
