// Marks mutations of which one operation may contain only one: those that check a password, use a mailed token, or send an email.
import type { GraphQLSchema } from "graphql";
import { Extensions } from "type-graphql";

const ONCE = "oncePerOperation";

/** Marks a mutation. An operation with more than one field of marked mutations, even of different ones, is refused. */
export function OncePerOperation(): MethodDecorator {
  return Extensions({ [ONCE]: true });
}

/** The names of the marked mutations. */
export function onceOnlyMutations(schema: GraphQLSchema): string[] {
  return Object.values(schema.getMutationType()?.getFields() ?? {})
    .filter(({ extensions }) => extensions[ONCE] === true)
    .map(({ name }) => name);
}
