// Relay's compiler, run as a front end's build runs it.
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

import type { ConcreteRequest } from "relay-runtime";

import { temporaryFolder } from "./process.ts";

export interface RelayArtifacts {
  /** An operation, by its name in the document. */
  readonly operation: (name: string) => ConcreteRequest;
  /** The list of trusted documents that the compiler has written, if it was asked to. */
  readonly list: string;
}

/**
 * Compiles documents, whose operations get names as Relay wants them; fragments have to have such names.
 * @param isPersisted whether artifacts hold IDs instead of texts
 * @throws if the compiler refuses the schema or a document
 */
export async function compileByRelay(
  documents: readonly string[],
  isPersisted = false,
): Promise<RelayArtifacts> {
  const folder = await temporaryFolder();
  for (const name of ["src", "artifacts"]) mkdirSync(join(folder, name));
  const named = documents.map((document) =>
    document.replace(
      /^(query|mutation) (\w+)/,
      (_, kind: string, name: string) => `${kind} ${nameOf(kind, name)}`,
    ),
  );
  const modules = named.map((document) => `graphql\`${document}\`;`).join("\n");
  writeFileSync(join(folder, "src/Flow.js"), `import { graphql } from "relay-runtime";\n${modules}\n`);
  writeFileSync(join(folder, "schema.graphql"), readFileSync("schema.graphql"));
  const config = {
    src: "src",
    schema: "schema.graphql",
    artifactDirectory: "artifacts",
    language: "javascript",
    eagerEsModules: true,
    customScalarTypes: { DateTimeISO: "string", JSON: "object" },
    schemaConfig: { requireCustomScalarTypes: true },
    ...(isPersisted && { persistConfig: { file: "documents.json" } }),
  };
  writeFileSync(join(folder, "relay.config.json"), JSON.stringify(config));
  writeFileSync(join(folder, "documents.json"), "{}"); // the compiler adds to it
  await promisify(execFile)(resolve("node_modules/.bin/relay-compiler"), ["relay.config.json"], {
    cwd: folder,
  });
  const operations = new Map<string, ConcreteRequest>();
  for (const document of documents) {
    const [, kind, name] = /^(query|mutation) (\w+)/.exec(document) ?? [];
    if (kind === undefined || name === undefined) continue; // a fragment
    const artifact = join(folder, "artifacts", `${nameOf(kind, name)}.graphql.js`);
    operations.set(name, ((await import(artifact)) as { default: ConcreteRequest }).default);
  }
  return { operation: (name) => operations.get(name)!, list: join(folder, "documents.json") };
}

const nameOf = (kind: string, name: string) => `Flow${name}${kind === "query" ? "Query" : "Mutation"}`;
