// GraphQL Code Generator with its client preset, run as a front end's build runs it, from the schema that a server gives.
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { preset } from "@graphql-codegen/client-preset";
import { codegen } from "@graphql-codegen/core";
import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { parse } from "graphql";
import ts from "typescript";

import { temporaryFolder } from "./process.ts";

/** The mapping of docs/frontends.md, which is JavaScript. */
function scalars(): Record<string, string> {
  const [, mapping = ""] =
    /strictScalars: true, scalars: \{(.*?)\} \}/.exec(readFileSync("docs/frontends.md", "utf8")) ?? [];
  return JSON.parse(`{${mapping.replace(/(\w+):/g, '"$1":')}}`) as Record<string, string>;
}

/** A consumer that does not compile if the scalars have other types than the mapping says. */
const CONSUMER = `import type { MeQuery } from "./graphql";
export const createdAt = (data: MeQuery): string => data.me!.createdAt;
`;

/**
 * Generates typed documents.
 * @param persistedDocuments whether to write the list of trusted documents, too
 * @returns them by their names, such as MeDocument, what TypeScript has against the generated code, and the list
 */
export async function generateClient(
  { url }: { readonly url: string },
  documents: readonly string[],
  persistedDocuments = false,
): Promise<{ documents: Record<string, TypedDocumentNode<unknown>>; faults: string[]; list: string }> {
  const folder = await temporaryFolder();
  symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
  const generated = join(folder, "generated");
  mkdirSync(generated);
  const schema = parse(await (await fetch(`${url}/schema.graphql`)).text());
  const sources = documents.map((rawSDL, index) => ({
    location: `${index}.graphql`,
    document: parse(rawSDL),
    rawSDL,
  }));
  const outputs = await preset.buildGeneratesSection({
    baseOutputDir: `${generated}/`,
    schema,
    documents: sources,
    config: { strictScalars: true, scalars: scalars(), useTypeImports: true },
    presetConfig: { fragmentMasking: false, persistedDocuments },
    plugins: [],
    pluginMap: {},
  });
  for (const output of outputs) writeFileSync(output.filename, await codegen(output));
  const consumer = join(generated, "consumer.ts");
  writeFileSync(consumer, CONSUMER);
  const program = ts.createProgram([join(generated, "graphql.ts"), consumer], {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    types: [],
  });
  const faults = ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
  const module = (await import(join(generated, "graphql.ts"))) as Record<string, TypedDocumentNode<unknown>>;
  return { documents: module, faults, list: join(generated, "persisted-documents.json") };
}
