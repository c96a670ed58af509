// The documents that TRUSTED_DOCUMENTS lists, as the build tools of clients write them: a server that has such a list runs no
// others, so that strangers cannot send operations of their own.
import { createHash } from "node:crypto";

import {
  GraphQLError,
  parse,
  specifiedRules,
  validate,
  type GraphQLSchema,
  type ValidationRule,
} from "graphql";

import { MAX_TOKENS } from "./operation-limits.ts";

/** IDs and texts, letter by letter as clients send them. */
type Entries = readonly (readonly [id: string, text: string])[];

export class TrustedDocuments {
  /** By the IDs of the lists, and by SHA-256, which clients with automatic persisted queries send. */
  readonly #byId = new Map<string, string>();
  readonly #texts = new Set<string>();

  /**
   * Adds the documents of a list.
   * @throws {Error} if its format is unknown, or if another document has the same ID
   */
  add(list: unknown): void {
    for (const [id, text] of entriesOf(list)) {
      this.#name(id, text);
      this.#name(createHash("sha256").update(text).digest("hex"), text);
      this.#texts.add(text);
    }
  }

  /**
   * The text of a document of the list; undefined if it is none.
   * @param asked its text, or else its ID, which may have the prefix of GraphQL over HTTP (`sha256:`)
   */
  find({
    text,
    id,
  }: {
    readonly text?: string | undefined;
    readonly id?: string | undefined;
  }): string | undefined {
    if (text !== undefined) return this.#texts.has(text) ? text : undefined;
    return id === undefined ? undefined : (this.#byId.get(id) ?? this.#byId.get(id.replace(/^sha256:/, "")));
  }

  /** What is wrong with documents that this server would refuse all the same: a sentence for each. */
  faults(schema: GraphQLSchema, rules: readonly ValidationRule[]): string[] {
    return [...this.#texts].flatMap((text) => {
      const fault = faultOf(text, schema, rules);
      return fault === undefined
        ? []
        : [`TRUSTED_DOCUMENTS lists "${nameOf(text)}", which this server refuses: ${fault}`];
    });
  }

  #name(id: string, text: string): void {
    const other = this.#byId.get(id);
    if (other !== undefined && other !== text)
      throw new Error(`two documents have the ID ${id}: "${nameOf(other)}" and "${nameOf(text)}"`);
    this.#byId.set(id, text);
  }
}

/**
 * Reads the formats of Apollo (`generate-persisted-query-manifest`) and of Relay, GraphQL Code Generator and gql.tada.
 * @throws {Error} if it is neither
 */
function entriesOf(list: unknown): Entries {
  const { format, version, operations } = Object(list) as Record<string, unknown>;
  if (format === "apollo-persisted-query-manifest") {
    if (version !== 1)
      throw new Error(`version ${String(version)} of Apollo's manifest is not known, only 1`);
    if (Array.isArray(operations) && operations.every(isOperation))
      return operations.map(({ id, body }) => [id, body]);
  } else if (isTexts(list)) return Object.entries(list);
  throw new Error(
    'it is neither a manifest of Apollo nor an object such as {"ID": "query Me { me { id } }"}',
  );
}

function isTexts(value: unknown): value is Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((text) => typeof text === "string");
}

function isOperation(value: unknown): value is { id: string; body: string } {
  const { id, body } = Object(value) as Record<string, unknown>;
  return typeof id === "string" && typeof body === "string";
}

function faultOf(text: string, schema: GraphQLSchema, rules: readonly ValidationRule[]): string | undefined {
  try {
    const document = parse(text, { maxTokens: MAX_TOKENS });
    return validate(schema, document, [...specifiedRules, ...rules])[0]?.message;
  } catch (error) {
    if (error instanceof GraphQLError) return error.message;
    throw error;
  }
}

/** The begin of its first operation, for people to find it by. */
function nameOf(text: string): string {
  return /\b(?:query|mutation|subscription)\s+\w+/.exec(text)?.[0] ?? text.slice(0, 40);
}
