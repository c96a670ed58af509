// Tells an observer how each query and mutation ended and how long it took, and traces it: by its name in the schema, of which there are
// few, never by an alias or the name that a client gave its operation.
import { GraphQLError, type GraphQLField, type GraphQLSchema } from "graphql";

import { AccountError } from "../accounts/rules/account-error.ts";
import { traced } from "../tracing.ts";

export interface OperationObserver {
  /** @returns what is told how each try of this query or mutation ended: the error's code, or OK */
  field(name: string): (code: string, seconds: number) => void;
  /** A document was refused before anything of it ran. */
  refused(code: string): void;
  /** A fault of the server. */
  unexpected(): void;
}

type Resolve = NonNullable<GraphQLField<unknown, unknown>["resolve"]>;

export function observeFields(schema: GraphQLSchema, observer: OperationObserver | undefined): void {
  for (const type of [schema.getQueryType(), schema.getMutationType()])
    for (const field of Object.values(type?.getFields() ?? {})) {
      if (!field.resolve) continue;
      const span = `${type?.name.toLowerCase()} ${field.name}`;
      const resolve = observer ? measured(field.resolve, observer.field(field.name)) : field.resolve;
      field.resolve = (...given) => traced(span, () => resolve(...given));
    }
}

function measured(resolve: Resolve, ended: (code: string, seconds: number) => void): Resolve {
  return (...given) => {
    const begun = performance.now();
    const tell = (code: string) => ended(code, (performance.now() - begun) / 1000);
    const result: unknown = resolve(...given);
    void Promise.resolve(result).then(
      () => tell("OK"),
      (error: unknown) => tell(codeOf(error)),
    );
    return result;
  };
}

function codeOf(error: unknown): string {
  if (error instanceof AccountError) return error.code;
  const code = error instanceof GraphQLError ? error.extensions["code"] : undefined;
  return typeof code === "string" ? code : "INTERNAL_SERVER_ERROR";
}
