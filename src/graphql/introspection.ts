// Whether the schema can be asked for by queries: not in production, unless INTROSPECTION says so.
import {
  GraphQLError,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  type ASTVisitor,
  type ValidationContext,
} from "graphql";

/** A validation rule: introspection is answered with status 400, and where else the schema is. */
export function noIntrospection(context: ValidationContext): ASTVisitor {
  return {
    Field(node) {
      if (node.name.value !== SchemaMetaFieldDef.name && node.name.value !== TypeMetaFieldDef.name) return;
      const message =
        "Introspection is off at this server. Its schema is at /schema.graphql. INTROSPECTION=true in its configuration turns it on.";
      context.reportError(new GraphQLError(message, { nodes: node }));
    },
  };
}
