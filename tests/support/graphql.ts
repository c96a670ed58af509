// The public door: every operation of schema.graphql, sent as GraphQL over HTTP. A new query or mutation needs no line
// here: its arguments and its selection come from the schema. Each expected error is held against its @errors list.
import { readFileSync } from "node:fs";

import { buildSchema, getDirectiveValues, getNamedType, isInterfaceType, isObjectType } from "graphql";
import type { GraphQLField, GraphQLOutputType } from "graphql";
import { expect } from "vitest";

import type { introspection } from "../../web/src/graphql-env.d.ts";

export interface GraphQLErrorBody {
  readonly message: string;
  readonly path?: string[];
  readonly extensions: {
    readonly code: string;
    readonly id?: string;
    readonly field?: string;
    readonly fields?: { field: string; message: string }[];
    readonly retryAfterSeconds?: number;
  };
}

export interface Answer<Data> {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly data: Data | null | undefined;
  readonly errors: GraphQLErrorBody[];
}

interface Scalars {
  ID: string;
  String: string;
  Boolean: boolean;
  Int: number;
  DateTimeISO: string;
  JSON: Record<string, unknown>;
}
type Types = introspection["types"];

/** A value of this type of the schema, such as Output<"AuthPayload">. */
export type Output<Name> = Name extends keyof Scalars
  ? Scalars[Name]
  : Name extends keyof Types
    ? Types[Name] extends { enumValues: infer Values }
      ? Values
      : Types[Name] extends { fields: infer Fields }
        ? { [Field in keyof Fields]: Fields[Field] extends { type: infer Type } ? Value<Type> : never }
        : never
    : never;
type Value<Type> = Type extends { kind: "NON_NULL"; ofType: infer Of } ? Present<Of> : Present<Type> | null;
type Present<Type> = Type extends { kind: "LIST"; ofType: infer Of }
  ? Value<Of>[]
  : Type extends { name: infer Name }
    ? Output<Name>
    : never;

type Mutations = Types["Mutation"]["fields"];
type RootFields = Types["Query"]["fields"] & Mutations;
export type OperationName = keyof RootFields;
/** Of a mutation, null comes with an error. */
type Returned<Name extends OperationName> = Name extends keyof Mutations
  ? NonNullable<Value<Mutations[Name]["type"]>>
  : Value<RootFields[Name]["type"]>;
/** One method a root field, which takes its arguments out of what it is given: a whole person can register. */
type Operations = {
  readonly [Name in OperationName]: (values?: object) => Promise<Answer<Returned<Name>>>;
};

type HeadersGiven = Record<string, string>;

export const schema = buildSchema(readFileSync("schema.graphql", "utf8"));

const rootFields = [
  ...Object.values(schema.getQueryType()!.getFields()).map((field) => ({ operation: "query", field })),
  ...Object.values(schema.getMutationType()!.getFields()).map((field) => ({ operation: "mutation", field })),
];

/** The codes that schema.graphql says a field of Query or Mutation can raise. */
export const listedCodes = new Map(
  rootFields.map(({ field }) => [
    field.name as OperationName,
    getDirectiveValues(schema.getDirective("errors")!, field.astNode!)?.["codes"] as string[],
  ]),
);

class Door {
  readonly url: string;
  readonly #headers: HeadersGiven;

  constructor(url: string, headers: HeadersGiven = {}) {
    this.url = url;
    this.#headers = headers;
  }

  /** The same door for somebody who sends these headers too. */
  with(headers: HeadersGiven): GraphQLDoor {
    return new GraphQLDoor(this.url, { ...this.#headers, ...headers });
  }

  /** The same door for the bearer of an access token. */
  as(accessToken: string): GraphQLDoor {
    return this.with({ authorization: `Bearer ${accessToken}` });
  }

  /** Any request to /graphql. */
  async send(init: RequestInit, path = "/graphql"): Promise<Answer<Record<string, unknown>>> {
    const headers = new Headers(init.headers);
    for (const [name, value] of Object.entries(this.#headers)) headers.set(name, value);
    const response = await fetch(this.url + path, { ...init, headers });
    const text = await response.text();
    const body = JSON.parse(text) as { data?: Record<string, unknown> | null; errors?: GraphQLErrorBody[] };
    const errors = body.errors ?? [];
    for (const { message, extensions } of errors) {
      expect(message, "every error has a message").toEqual(expect.any(String));
      expect(extensions.code, "every error has a code").toEqual(expect.any(String));
    }
    return { status: response.status, headers: response.headers, text, data: body.data, errors };
  }

  execute(query: string, variables: Record<string, unknown> = {}): Promise<Answer<Record<string, unknown>>> {
    return this.send({
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, variables }),
    });
  }

  /** Executes one root field; the data of the answer is the field's, and all of it. */
  async ask(
    operation: string,
    { name, args, type }: GraphQLField<unknown, unknown>,
    values: Record<string, unknown>,
  ): Promise<Answer<unknown>> {
    const given = args.filter((arg) => values[arg.name] !== undefined);
    const inParentheses = (parts: string[]) => (parts.length === 0 ? "" : `(${parts.join(", ")})`);
    const declared = inParentheses(given.map((arg) => `$${arg.name}: ${String(arg.type)}`));
    const passed = inParentheses(given.map((arg) => `${arg.name}: $${arg.name}`));

    const answer = await this.execute(
      `${operation} ${declared} { ${name}${passed} ${selectionOf(type)} }`,
      Object.fromEntries(given.map((arg) => [arg.name, values[arg.name]])),
    );
    const listed = [
      ...(listedCodes.get(name as OperationName) ?? []),
      "SERVICE_UNAVAILABLE",
      "INTERNAL_SERVER_ERROR",
    ];
    for (const { extensions } of answer.errors)
      expect(listed, `the @errors list of ${name}`).toContain(extensions.code);
    return { ...answer, data: answer.data?.[name] };
  }

  /** The data of an answer that has no errors. */
  succeed<Data>(answer: Answer<Data>): Data {
    expect(answer.errors).toEqual([]);
    expect(answer.status).toBe(200);
    return answer.data as Data;
  }

  /** The one error of an operation that was executed and refused with `code`. */
  refuse(answer: Answer<unknown>, code: string): GraphQLErrorBody {
    expect(answer.errors.map(({ extensions }) => extensions.code)).toEqual([code]);
    expect(answer.status).toBe(200);
    return answer.errors[0]!;
  }
}

for (const { operation, field } of rootFields)
  Object.defineProperty(Door.prototype, field.name, {
    value(this: Door, values: Record<string, unknown> = {}) {
      return this.ask(operation, field, values);
    },
  });

export type GraphQLDoor = Door & Operations;
export const GraphQLDoor = Door as new (url: string, headers?: HeadersGiven) => GraphQLDoor;

/** Every field of a type, and of the types in it. */
export function selectionOf(type: GraphQLOutputType): string {
  const named = getNamedType(type);
  if (!isObjectType(named) && !isInterfaceType(named)) return "";
  const fields = Object.values(named.getFields()).map((field) => `${field.name} ${selectionOf(field.type)}`);
  return `{ ${fields.join(" ")} }`;
}
