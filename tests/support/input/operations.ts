// Any operation of schema.graphql with any arguments, in any document, as anybody. A new operation needs no line here.
import fc, { type Arbitrary } from "fast-check";
import {
  getNamedType,
  isInterfaceType,
  isObjectType,
  isRequiredArgument,
  type GraphQLField,
  type GraphQLOutputType,
} from "graphql";

import { schema, selectionOf } from "../graphql.ts";
import { cleaned, header, type Header } from "./headers.ts";
import { toJson, toLiteral, type Ingredients, type Recipe } from "./ingredients.ts";
import { FRAGMENTS, valueOf } from "./values.ts";

export interface OperationRecipe {
  readonly caller: "nobody" | "user" | "admin" | "somebody";
  /** Which of the callers. */
  readonly n: number;
  readonly operation: "query" | "mutation" | "subscription";
  readonly field: string;
  readonly args: readonly { readonly name: string; readonly value: Recipe; readonly as: Passing }[];
  readonly selection: Selection;
  readonly document: Shape;
  readonly transport: "POST" | "GET";
  readonly headers: readonly Header[];
}

type Passing = "variable" | "literal" | "variable of another type" | "default";
const SELECTIONS = ["all", "first", "typename", "deep", "unknown", "missing"] as const;
type Selection = (typeof SELECTIONS)[number];
const SHAPES = [
  "plain",
  "alias",
  "alias twice",
  "many aliases",
  "fragment",
  "directive",
  "unknown directive",
  "named",
  "two operations",
  "no operation of that name",
  "extensions",
  "persisted",
  "batch",
  "garbage",
  "unknown variable",
] as const;
type Shape = (typeof SHAPES)[number];

const roots = (["query", "mutation"] as const).flatMap((operation) => {
  const type = operation === "query" ? schema.getQueryType() : schema.getMutationType();
  return Object.values(type!.getFields()).map((field) => ({ operation, field }));
});
export const fieldNamed = new Map(roots.map(({ field }) => [field.name, field]));

function operationOf(operation: "query" | "mutation", field: GraphQLField<unknown, unknown>) {
  const args = field.args.map((arg) =>
    fc.option(
      fc.record({
        name: fc.constant(arg.name),
        value: valueOf(arg, field.name),
        as: fc.oneof(
          { weight: 16, arbitrary: fc.constant<Passing>("variable") },
          { weight: 4, arbitrary: fc.constant<Passing>("literal") },
          { weight: 1, arbitrary: fc.constantFrom<Passing>("variable of another type", "default") },
        ),
      }),
      // What misses a required argument is refused at once.
      { freq: isRequiredArgument(arg) ? 40 : 3, nil: null },
    ),
  );
  return fc.record({
    caller: fc.constantFrom("nobody" as const, "user" as const, "admin" as const, "somebody" as const),
    n: fc.nat(1000),
    operation: fc.oneof(
      { weight: 40, arbitrary: fc.constant(operation as OperationRecipe["operation"]) },
      {
        weight: 1,
        arbitrary: fc.constantFrom("query" as const, "mutation" as const, "subscription" as const),
      },
    ),
    field: fc.constant(field.name),
    args: fc.tuple(...args).map((given) => given.filter((arg) => arg !== null)),
    selection: fc.oneof(
      { weight: 9, arbitrary: fc.constant<Selection>("all") },
      { weight: 1, arbitrary: fc.constantFrom(...SELECTIONS) },
    ),
    document: fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constantFrom<Shape>(
          "plain",
          "plain",
          "plain",
          "alias",
          "named",
          "directive",
          "fragment",
        ),
      },
      { weight: 1, arbitrary: fc.constantFrom(...SHAPES) },
    ),
    transport: fc.oneof(
      { weight: 12, arbitrary: fc.constant("POST" as const) },
      { weight: 1, arbitrary: fc.constant("GET" as const) },
    ),
    headers: fc.array(header, { maxLength: 6 }),
  });
}

const takesPassword = ({ args }: GraphQLField<unknown, unknown>) =>
  args.some(({ name }) => /password/i.test(name));

/** Each operation of the schema so many times. */
export const eachOperation = (times: number): Arbitrary<OperationRecipe[]> =>
  fc.tuple(
    ...roots.flatMap(({ operation, field }) =>
      Array.from({ length: times }, () => operationOf(operation, field) as Arbitrary<OperationRecipe>),
    ),
  );

/** Any operation of the schema; the more arguments it has, the more often, and the less often, if it has a password to hash. */
export const operation: Arbitrary<OperationRecipe> = fc.oneof(
  ...roots.map(({ operation, field }) => ({
    weight: 1 + field.args.length * (takesPassword(field) ? 1 : 5),
    arbitrary: operationOf(operation, field),
  })),
);

/** Only operations that take such an argument. */
export const operationWith = (argument: string): Arbitrary<OperationRecipe> =>
  fc.oneof(
    ...roots
      .filter(({ field }) => field.args.some(({ name }) => name === argument))
      .map(({ operation, field }) => operationOf(operation, field) as Arbitrary<OperationRecipe>),
  );

export interface Request {
  readonly bytes: Buffer;
  /** How many values were made for it: its document, its arguments and its headers. */
  readonly inputs: number;
  /** The fields of the schema by the names that they have in the answer. */
  readonly fields: ReadonlyMap<string, string>;
}

/** @param authorization what the caller sends, unless the recipe has such a header */
export function requestFor(
  recipe: OperationRecipe,
  ingredients: Ingredients,
  authorization: string | undefined,
): Request {
  const { args, headers, transport } = recipe;
  const { document, name, fields, values, body } = documentFor(recipe, ingredients);
  const variables = toJson(values);
  const lines = headers.map(([name, value]) => `${name}: ${cleaned(ingredients.makeText(value))}`);
  if (authorization !== undefined && !headers.some(([name]) => name === "Authorization"))
    lines.push(`Authorization: ${authorization}`);
  lines.push("Host: localhost");
  const inputs = 1 + args.length + headers.length;
  if (transport === "GET") {
    const parameters = { query: document, variables, ...(name !== undefined && { operationName: name }) };
    const search = Object.entries(parameters).map(
      ([key, value]) => `${key}=${encodeURIComponent(value.toWellFormed())}`,
    );
    const head = [`GET /graphql?${search.join("&")} HTTP/1.1`, ...lines].join("\r\n");
    return { bytes: Buffer.from(`${head}\r\n\r\n`), inputs, fields };
  }
  const content = Buffer.from(body(variables));
  lines.push("Content-Type: application/json", `Content-Length: ${content.length}`);
  const head = ["POST /graphql HTTP/1.1", ...lines].join("\r\n");
  return { bytes: Buffer.concat([Buffer.from(`${head}\r\n\r\n`), content]), inputs, fields };
}

function documentFor(recipe: OperationRecipe, ingredients: Ingredients) {
  const { operation, field, args, document: shape, n } = recipe;
  const { args: declared, type } = fieldNamed.get(field)!;
  const values: Record<string, unknown> = {};
  const variables: string[] = [];
  const passed: string[] = [];
  for (const { name, value, as } of args) {
    const made = ingredients.make(value);
    if (as === "literal") {
      passed.push(`${name}: ${toLiteral(made)}`);
      continue;
    }
    passed.push(`${name}: $${name}`);
    const own = String(declared.find((arg) => arg.name === name)!.type);
    const other = ["[String]", "Int", "ID", "Boolean!", "Role", ingredients.mark()][n % 6]!;
    if (as === "default") variables.push(`$${name}: ${own} = ${toLiteral(made)}`);
    else {
      variables.push(`$${name}: ${as === "variable" ? own : other}`);
      values[name] = made;
    }
  }
  if (shape === "directive") {
    variables.push("$included: Boolean!");
    values["included"] = n % 3 > 0;
  }
  if (shape === "unknown variable") {
    values[ingredients.mark()] = ingredients.mark();
    passed.push(`${ingredients.mark()}: $${ingredients.mark()}`);
  }
  const directive =
    shape === "directive"
      ? " @include(if: $included) @skip(if: false)"
      : shape === "unknown directive"
        ? ` @${ingredients.mark()}(if: "${ingredients.mark()}")`
        : "";
  const called = `${field}${inParentheses(passed)}${directive} ${selectionFor(recipe.selection, type, ingredients)}`;
  const alias = ingredients.mark();
  const fields = new Map([[field, field]]);
  const count = { alias: 1, "alias twice": 2, "many aliases": 5 + (n % 60) }[shape as string] ?? 0;
  const aliases = Array.from({ length: count }, (_, index) => `${alias}_${index}`);
  for (const each of aliases) fields.set(each, field);
  const inside = count === 0 ? called : aliases.map((each) => `${each}: ${called}`).join(" ");
  const declaration = inParentheses(variables);
  const name = shape === "named" || shape === "no operation of that name" ? ingredients.mark() : undefined;
  const root = operation === "query" ? "Query" : "Mutation";
  const plain = `${operation} ${shape === "named" ? name : ""}${declaration} { ${inside} }`;
  const whole =
    shape === "fragment"
      ? `${operation} ${declaration} { ...F } fragment F on ${root} { ${inside} }`
      : shape === "two operations"
        ? `${operation} A${declaration} { ${inside} } query B { me { id } }`
        : shape === "garbage"
          ? `${plain.slice(0, n % plain.length)}${ingredients.text(FRAGMENTS[n % FRAGMENTS.length]!)}${ingredients.mark()}${plain.slice(n % plain.length)}`
          : plain;
  const entry = (name: string, value: string | undefined) =>
    value === undefined ? [] : [`${JSON.stringify(name)}:${value}`];
  const body = (values: string) => {
    const hash = "ab".repeat(32);
    const extensions =
      shape === "persisted"
        ? `{"persistedQuery":{"version":1,"sha256Hash":"${hash}"}}`
        : shape === "extensions"
          ? `{"${ingredients.mark()}":"${ingredients.mark()}"}`
          : undefined;
    const object = `{${[
      ...entry("query", shape === "persisted" && n % 2 ? undefined : JSON.stringify(whole)),
      ...entry("variables", values),
      ...entry("operationName", name && JSON.stringify(name)),
      ...entry("extensions", extensions),
    ].join(",")}}`;
    return shape === "batch" ? `[${object},${object}]` : object;
  };
  return { document: whole, name, fields, values, body };
}

const inParentheses = (parts: readonly string[]) => (parts.length === 0 ? "" : `(${parts.join(", ")})`);

function selectionFor(selection: Selection, type: GraphQLOutputType, ingredients: Ingredients): string {
  const named = getNamedType(type);
  if (selection === "missing") return "";
  if (!isObjectType(named) && !isInterfaceType(named))
    return selection === "unknown" ? `{ ${ingredients.mark()} }` : "";
  if (selection === "unknown") return `{ ${ingredients.mark()} }`;
  if (selection === "typename") return "{ __typename }";
  const fields = Object.values(named.getFields());
  if (selection === "first") return `{ ${fields[0]!.name} ${selectionOf(fields[0]!.type)} }`;
  if (selection === "deep") return `${`{ ... on ${named.name} `.repeat(30)}{ __typename }${" }".repeat(30)}`;
  return selectionOf(type);
}
