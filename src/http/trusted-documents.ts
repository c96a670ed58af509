// Lets no document reach Apollo but those of TRUSTED_DOCUMENTS, before anything of it is parsed.
import type { FastifyReply, FastifyRequest, preHandlerAsyncHookHandler } from "fastify";

import { httpError } from "./errors.ts";
import type { TrustedDocuments } from "../graphql/trusted-documents.ts";

const DOCUMENT_NOT_TRUSTED = "DOCUMENT_NOT_TRUSTED";

/**
 * Puts the text of the list in the place of what a request asks for, by ID or by text, and refuses what is not in the list.
 * @param refused is told the error code of each refusal
 */
export function onlyTrusted(
  documents: TrustedDocuments,
  refused: (code: string) => void,
): preHandlerAsyncHookHandler {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const isPost = request.method === "POST";
    const parameters = isPost ? request.body : parametersOf(request.url);
    // What is no object, Apollo refuses: it takes no lists of operations.
    if (!isRecord(parameters)) return;
    const { operationName, variables } = parameters;
    const asked = { text: textOf(parameters["query"]), id: idOf(parameters) };
    if (asked.text === undefined && asked.id === undefined) return; // Apollo says that a document is missing
    const query = documents.find(asked);
    if (query === undefined) {
      refused(DOCUMENT_NOT_TRUSTED);
      const what = asked.text === undefined ? "has no document with this ID" : "does not have this document";
      const message =
        `This server runs only the documents of a list (TRUSTED_DOCUMENTS), which ${what}. ` +
        "Add what the build of the client wrote to the list.";
      return reply.code(400).send(httpError(400, message, DOCUMENT_NOT_TRUSTED));
    }
    const trusted = {
      query,
      ...(operationName !== undefined && { operationName }),
      ...(variables !== undefined && { variables }),
    };
    if (isPost) request.body = trusted;
    else {
      const inUrl = Object.entries(trusted).filter(
        (entry): entry is [string, string] => typeof entry[1] === "string",
      );
      request.raw.url = `/graphql?${new URLSearchParams(inUrl).toString()}`;
    }
  };
}

/** Where clients put the ID: GraphQL over HTTP and urql; Apollo; Relay's network layers. */
function idOf({ documentId, extensions, doc_id, id }: Record<string, unknown>): string | undefined {
  const { persistedQuery } = Object(extensions) as Record<string, unknown>;
  const { sha256Hash } = Object(persistedQuery) as Record<string, unknown>;
  return [documentId, sha256Hash, doc_id, id].map(textOf).find((value) => value !== undefined);
}

const textOf = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Of a query with GET. If one is there twice, the last counts, and no other reaches Apollo. */
function parametersOf(url: string): Record<string, unknown> {
  const parameters = Object.fromEntries(new URL(url, "http://localhost").searchParams);
  try {
    return { ...parameters, extensions: JSON.parse(parameters["extensions"] ?? "{}") as unknown };
  } catch {
    return parameters;
  }
}
