// What one request may not do twice: try a password, use a mailed token, or send a mail.
import type { GraphQLSchema } from "graphql";
import { Extensions } from "type-graphql";

const ONCE = "oncePerOperation";

/** Decorates a mutation: an operation with more than one field so marked, of whichever names, is refused as a whole. */
export function OncePerOperation(): MethodDecorator {
  return Extensions({ [ONCE]: true });
}

/** The names of the mutations so marked. */
export function oncePerOperation(schema: GraphQLSchema): string[] {
  return Object.values(schema.getMutationType()?.getFields() ?? {})
    .filter(({ extensions }) => extensions[ONCE] === true)
    .map(({ name }) => name);
}
