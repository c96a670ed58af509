// Limits the size of an operation. Fields are counted in the document before anything runs, through aliases and
// fragments, so that one request cannot try many passwords or send many emails.
import {
  GraphQLError,
  Kind,
  type ASTVisitor,
  type FragmentDefinitionNode,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
} from "graphql";

import { onceOnlyMutations } from "./once-per-operation.ts";

/** GraphiQL's introspection query has about 500. */
export const MAX_TOKENS = 1_000;
const MAX_DEPTH = 20;
const MAX_ROOT_FIELDS = 50;

interface Extent {
  readonly depth: number;
  readonly fields: number;
  readonly guarded: number;
}

/** A validation rule: an operation that breaks it is answered with status 400 before any resolver runs. */
export function operationLimits(context: ValidationContext): ASTVisitor {
  const onceOnly = onceOnlyMutations(context.getSchema());
  // Each fragment is measured once. Otherwise nested spreads that double at every level would take exponential time.
  const fragments = new Map<FragmentDefinitionNode, Extent>();

  function extentOf(selections: SelectionSetNode): Extent {
    let depth = 0;
    let fields = 0;
    let guarded = 0;
    for (const selection of selections.selections) {
      if (selection.kind === Kind.FIELD) {
        const below = selection.selectionSet ? extentOf(selection.selectionSet).depth : 0;
        depth = Math.max(depth, 1 + below);
        fields += 1;
        if (onceOnly.includes(selection.name.value)) guarded += 1;
      } else {
        const inner =
          selection.kind === Kind.INLINE_FRAGMENT
            ? extentOf(selection.selectionSet)
            : extentOfFragment(context.getFragment(selection.name.value));
        depth = Math.max(depth, inner.depth);
        fields += inner.fields;
        guarded += inner.guarded;
      }
    }
    return { depth, fields, guarded };
  }

  function extentOfFragment(fragment: FragmentDefinitionNode | null | undefined): Extent {
    const nothing = { depth: 0, fields: 0, guarded: 0 };
    if (!fragment) return nothing;
    const known = fragments.get(fragment);
    if (known) return known;
    fragments.set(fragment, nothing); // ends a cycle, which another rule reports
    const extent = extentOf(fragment.selectionSet);
    fragments.set(fragment, extent);
    return extent;
  }

  return {
    OperationDefinition(operation: OperationDefinitionNode) {
      const { depth, fields, guarded } = extentOf(operation.selectionSet);
      const refuse = (message: string) => {
        context.reportError(new GraphQLError(message, { nodes: operation }));
      };
      if (!context.getSchema().getRootType(operation.operation))
        refuse(`This server does not support ${operation.operation} operations.`);
      if (depth > MAX_DEPTH)
        refuse(`The operation is nested ${depth} levels deep. At most ${MAX_DEPTH} are allowed.`);
      if (fields > MAX_ROOT_FIELDS)
        refuse(`The operation has ${fields} root fields. At most ${MAX_ROOT_FIELDS} are allowed.`);
      if (guarded > 1) {
        refuse(
          `The operation has more than one of ${onceOnly.join(", ")}. Send each in a request of its own.`,
        );
      }
    },
  };
}
