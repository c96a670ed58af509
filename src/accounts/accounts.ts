// The one door to accounts: `accounts.register(...)` and all other use cases, each in a file of its own (use-cases.ts lists them).
// Each either completes, or throws an AccountError and changes nothing (some record the refusal). No transaction or connection is
// held while a password is hashed.
import type { Dependencies } from "./dependencies.ts";
import { serviceUnavailable } from "./rules/account-error.ts";
import { traced } from "../tracing.ts";
import * as useCases from "./use-cases.ts";

type Bound<UseCase> = UseCase extends (deps: Dependencies, ...args: infer Args) => infer Result
  ? (...args: Args) => Result
  : never;

/** The use cases with their dependencies; one instance serves all requests. */
export type Accounts = { readonly [Name in keyof typeof useCases]: Bound<(typeof useCases)[Name]> };

/** @param isOutage whether an error means that the database cannot serve now, not that the server has a fault */
export function createAccounts(deps: Dependencies, isOutage: (error: unknown) => boolean): Accounts {
  const translated = (error: unknown) => {
    throw isOutage(error) ? serviceUnavailable(error) : error;
  };
  const bound = Object.entries(useCases).map(([name, useCase]) => [
    name,
    (...args: unknown[]) => {
      const result = traced(`accounts.${name}`, () =>
        (useCase as (...args: unknown[]) => unknown)(deps, ...args),
      );
      return result instanceof Promise ? result.catch(translated) : result;
    },
  ]);
  return Object.fromEntries(bound) as Accounts;
}
