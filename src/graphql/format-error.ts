// Formats errors for clients: a message for people and extensions.code for programs. Causes, stack traces and the
// values of the request never leave the server.
import { randomUUID } from "node:crypto";

import { unwrapResolverError } from "@apollo/server/errors";
import { GraphQLError, TokenKind, type GraphQLFormattedError } from "graphql";

import { AccountError } from "../accounts/rules/account-error.ts";
import type { Logger } from "../log.ts";

const INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR";

/** For Apollo's `formatError`. */
export function errorFormatter(internalError: InternalError) {
  return (formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError => {
    const at = {
      ...(formatted.locations && { locations: formatted.locations }),
      ...(formatted.path && { path: formatted.path }),
    };
    const cause = unwrapResolverError(error);
    if (cause instanceof AccountError) {
      const { message, code, field, fields, retryAfterSeconds, challenge } = cause;
      const details = {
        ...(field && { field }),
        ...(fields && { fields }),
        ...(retryAfterSeconds && { retryAfterSeconds }),
        ...(challenge && { challenge }),
      };
      return { message, ...at, extensions: { code, ...details } };
    }
    const [, uncoded] = UNCODED.find(([message]) => message.test(formatted.message)) ?? [];
    const code = uncoded ?? formatted.extensions?.["code"];
    if (typeof code !== "string" || code === INTERNAL_SERVER_ERROR) return { ...internalError(cause), ...at };
    // Clients compare these messages, letter by letter.
    if (code.startsWith("PERSISTED_QUERY_"))
      return { message: formatted.message, ...at, extensions: { code } };
    const message = withoutValues(formatted.message);
    // For an argument of the wrong type; add the fields that our own errors have.
    const field = code === "BAD_USER_INPUT" ? argumentAtFault(message, error) : undefined;
    return { message, ...at, extensions: { code, ...(field && { field, fields: [{ field, message }] }) } };
  };
}

/** Faults of a request that graphql-js and Apollo report without a code, as if the server were at fault. */
const UNCODED: readonly (readonly [message: RegExp, code: string])[] = [
  [/^Too many errors processing variables/, "BAD_USER_INPUT"],
  // A variable with a default is null, and the argument must not be.
  [/^Argument "\w+" (?:of (?:non-null|required) type|has invalid value) /, "BAD_USER_INPUT"],
  [/^(?:provided sha does not match query|Unsupported persisted query version)$/, "BAD_REQUEST"],
];

/**
 * The argument that has the value, also of a variable, whose name only its client knows. Found among the tokens of the document, which are
 * there already: an operation may have fifty such errors.
 */
function argumentAtFault(message: string, error: unknown): string | undefined {
  const [, kind, name] = /^(Argument|Variable) "\$?(\w+)"/.exec(message) ?? [];
  if (kind === "Argument" || !(error instanceof GraphQLError)) return name;
  let argument = name;
  // From the variable's definition on, `argument: ... $variable`.
  for (let token = error.nodes?.[0]?.loc?.endToken.next; token; token = token.next ?? undefined) {
    if (token.kind === TokenKind.NAME && token.next?.kind === TokenKind.COLON) argument = token.value;
    if (token.kind === TokenKind.DOLLAR && token.next?.value === name) return argument;
  }
  return name;
}

/** Makes of an unexpected error what the client gets of it. */
export type InternalError = (cause: unknown) => GraphQLFormattedError;

/**
 * Logs unexpected errors. The client gets only an id, by which the error can be found in the log.
 * @param observer is told of each
 */
export function internalErrors(log: Logger, observer?: { unexpected(): void }): InternalError {
  return (cause) => {
    const id = randomUUID();
    log.error({ err: cause, id }, "unexpected error");
    observer?.unexpected();
    return {
      message: `Something went wrong on our side. Please report this error with its ID: ${id}`,
      extensions: { code: INTERNAL_SERVER_ERROR, id },
    };
  };
}

/** No useful message is longer; anything beyond this is text from the request. */
const MESSAGE_MAX_LENGTH = 500;

/** graphql-js quotes what it cannot parse, which may be a password whose quotation marks were forgotten. */
function withoutValues(text: string): string {
  const message = text
    .slice(0, MESSAGE_MAX_LENGTH)
    .replace(/^(Syntax Error: (?:Expected (?:"[^"]*"|[A-Za-z ]+)|[^",:]*))[\s\S]*$/, "$1")
    .replace(/^Variable "[^"]*" is not defined/, "The operation uses a variable that it does not define")
    .replace(/^Unknown operation named [\s\S]*$/, "The document has no operation of that name")
    .replace(/ got invalid value [\s\S]*$/, " has a value of the wrong type")
    .replace(/(cannot represent [^:]*): [\s\S]*$/, "$1")
    .replace(/(Expected value of type "[^"]*"), found [\s\S]*$/, "$1")
    .trimEnd();
  return /[.?!]$/.test(message) ? message : `${message}.`;
}
