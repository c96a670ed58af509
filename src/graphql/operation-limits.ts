// Limits the size of an operation. Fields are counted in the document before anything runs, through aliases and
// fragments, so that one request cannot try many passwords, send many emails, or have a short query answered with megabytes.
import {
  GraphQLError,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  getNamedType,
  getNullableType,
  Kind,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  type ASTVisitor,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
} from "graphql";

import { PAGE_MAX } from "../accounts/model/page.ts";
import { onceOnlyMutations } from "./once-per-operation.ts";

/** GraphiQL's introspection query has about 500. */
export const MAX_TOKENS = 1_000;
const MAX_DEPTH = 20;
const MAX_ROOT_FIELDS = 50;
/** Each list is a query of its own. */
const MAX_LISTS = 5;
/** MAX_LISTS full pages with all fields of their items have 8,000. Resolving this many takes less than a tenth of a second. */
const MAX_COST = 10_000;
/** How many entries a list of the schema's own description counts for. GraphiQL's introspection query costs 8,600 with it. */
const INTROSPECTION_ENTRIES = 5;

interface Extent {
  readonly depth: number;
  /** How many fields there are at the top. */
  readonly fields: number;
  readonly guarded: number;
  /** How many lists of items there are, at any depth. */
  readonly lists: number;
  /** How many fields the answer can have: those of a list's items count for each item that was asked for. */
  readonly cost: number;
}

const NOTHING: Extent = { depth: 0, fields: 0, guarded: 0, lists: 0, cost: 0 };

/** Operations that read lists, which wait for their turn before they run (turns.ts). */
const readingLists = new WeakSet<OperationDefinitionNode>();

export const readsLists = (operation: OperationDefinitionNode) => readingLists.has(operation);

/** A validation rule: an operation that breaks it is answered with status 400 before any resolver runs. */
export function operationLimits(context: ValidationContext): ASTVisitor {
  const schema = context.getSchema();
  const onceOnly = onceOnlyMutations(schema);
  // Each fragment is measured once. Otherwise nested spreads that double at every level would take exponential time.
  const fragments = new Map<FragmentDefinitionNode, Extent>();

  /** @param type what the fields belong to; undefined in an invalid document, which other rules refuse */
  function extentOf({ selections }: SelectionSetNode, type: GraphQLNamedType | undefined): Extent {
    return selections
      .map((selection) => {
        if (selection.kind === Kind.FIELD) return extentOfField(selection, type);
        if (selection.kind === Kind.FRAGMENT_SPREAD)
          return extentOfFragment(context.getFragment(selection.name.value));
        const { typeCondition, selectionSet } = selection;
        return extentOf(selectionSet, typeCondition ? schema.getType(typeCondition.name.value) : type);
      })
      .reduce(
        (sum, one) => ({
          depth: Math.max(sum.depth, one.depth),
          fields: sum.fields + one.fields,
          guarded: sum.guarded + one.guarded,
          lists: sum.lists + one.lists,
          cost: sum.cost + one.cost,
        }),
        NOTHING,
      );
  }

  function extentOfField(node: FieldNode, type: GraphQLNamedType | undefined): Extent {
    const field = fieldOf(type, node.name.value);
    const below = node.selectionSet
      ? extentOf(node.selectionSet, field && getNamedType(field.type))
      : NOTHING;
    const { entries, isList } = sizeOf(node, field, type);
    return {
      depth: 1 + below.depth,
      fields: 1,
      guarded: onceOnly.includes(node.name.value) ? 1 : 0,
      lists: below.lists + (isList ? 1 : 0),
      cost: 1 + entries * below.cost,
    };
  }

  function extentOfFragment(fragment: FragmentDefinitionNode | null | undefined): Extent {
    if (!fragment) return NOTHING;
    const known = fragments.get(fragment);
    if (known) return known;
    fragments.set(fragment, NOTHING); // ends a cycle, which another rule reports
    const extent = extentOf(fragment.selectionSet, schema.getType(fragment.typeCondition.name.value));
    fragments.set(fragment, extent);
    return extent;
  }

  function fieldOf(
    type: GraphQLNamedType | undefined,
    name: string,
  ): GraphQLField<unknown, unknown> | undefined {
    if (name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef;
    if (name === TypeMetaFieldDef.name) return TypeMetaFieldDef;
    return isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined;
  }

  return {
    OperationDefinition(operation: OperationDefinitionNode) {
      const root = schema.getRootType(operation.operation) ?? undefined;
      const { depth, fields, guarded, lists, cost } = extentOf(operation.selectionSet, root);
      if (lists > 0) readingLists.add(operation);
      const refuse = (message: string) => {
        context.reportError(new GraphQLError(message, { nodes: operation }));
      };
      if (!root) refuse(`This server does not support ${operation.operation} operations.`);
      if (depth > MAX_DEPTH)
        refuse(`The operation is nested ${depth} levels deep. At most ${MAX_DEPTH} are allowed.`);
      if (fields > MAX_ROOT_FIELDS)
        refuse(`The operation has ${fields} root fields. At most ${MAX_ROOT_FIELDS} are allowed.`);
      if (lists > MAX_LISTS)
        refuse(`The operation asks for ${lists} lists. At most ${MAX_LISTS} are allowed in one request.`);
      if (cost > MAX_COST) {
        refuse(
          `The answer can have ${cost} fields: those of a list's items times \`first\`, which counts as ${PAGE_MAX} if it is a ` +
            `variable. At most ${MAX_COST} are allowed. Ask for fewer fields or a smaller page.`,
        );
      }
      if (guarded > 1) {
        refuse(
          `The operation has more than one of ${onceOnly.join(", ")}. Send each in a request of its own.`,
        );
      }
    },
  };
}

/**
 * How many items a field can have. A variable counts as the largest page, so that a document costs the same whatever its variables
 * are: it is measured once, and its operations are then served from the cache of documents.
 */
function sizeOf(
  node: FieldNode,
  field: GraphQLField<unknown, unknown> | undefined,
  type: GraphQLNamedType | undefined,
): { entries: number; isList: boolean } {
  const first = field?.args.find(({ name }) => name === "first");
  if (first) {
    const given = node.arguments?.find(({ name }) => name.value === "first")?.value;
    const asked = given ? (given.kind === Kind.INT ? Number(given.value) : PAGE_MAX) : first.defaultValue;
    return { entries: Math.min(Math.max(Number(asked), 1), PAGE_MAX), isList: true };
  }
  const isListOfItems =
    field && isListType(getNullableType(field.type)) && isCompositeType(getNamedType(field.type));
  // The items of a connection were counted by the field that has the connection.
  if (!isListOfItems || type?.name.endsWith("Connection")) return { entries: 1, isList: false };
  if (type?.name.startsWith("__")) return { entries: INTROSPECTION_ENTRIES, isList: false };
  return { entries: PAGE_MAX, isList: true };
}
