// The contract with clients, tests/graphql/contract.graphql: everything that schema.graphql has, except its descriptions.
// Additions join it; a change that breaks it needs an entry in tests/graphql/breaking-changes.json.
import { ChangeType, CriticalityLevel, diff, type Change } from "@graphql-inspector/core";
import { getDocumentNodeFromSchema } from "@graphql-tools/utils";
import { buildSchema, lexicographicSortSchema, print, visit } from "graphql";

/** An entry of breaking-changes.json. */
export interface NamedChange {
  /** The change's sentence, as the guard says it, or its path, such as `User.email`. */
  readonly change: string;
  readonly why: string;
}

/** Without descriptions and in alphabetical order, so that the contract stays as it is when only these change. */
export function contractOf(sdl: string): string {
  const document = getDocumentNodeFromSchema(lexicographicSortSchema(buildSchema(sdl)));
  return print(visit(document, { leave: (node) => ({ ...node, description: undefined }) })) + "\n";
}

/** What `sdl` changes in the contract, one sentence for each change. */
export async function contractChanges(
  contract: string,
  sdl: string,
  named: readonly NamedChange[],
): Promise<{ breaking: string[]; others: string[] }> {
  const changes = await diff(buildSchema(contract), buildSchema(contractOf(sdl)));
  const isNamed = ({ message, path }: Change) =>
    named.some(({ change, why }) => why !== "" && (change === message || change === path));
  const isRefused = (change: Change) => isBreaking(change) && !isNamed(change);
  return {
    breaking: changes.filter(isRefused).map(({ message }) => message),
    others: changes.filter((change) => !isRefused(change)).map(({ message }) => message),
  };
}

/** A default is part of the contract, too: without it, an argument that clients leave out may become required. */
function isBreaking({ type, criticality }: Change): boolean {
  return (
    criticality.level === CriticalityLevel.Breaking ||
    type === ChangeType.FieldArgumentDefaultChanged ||
    type === ChangeType.InputFieldDefaultValueChanged
  );
}
