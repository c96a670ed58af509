// The list of the documents that are run, if TRUSTED_DOCUMENTS says which.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import type { Config } from "../config/config.ts";
import { TrustedDocuments } from "../graphql/trusted-documents.ts";

/** Those of the web client and of the client package, which the build writes. */
const OWN = fileURLToPath(new URL("../../dist/web/documents.json", import.meta.url));

/**
 * Reads the lists once: a server that is to know a new document starts again. Null if any document is run.
 * @throws {Error} if a list cannot be read
 */
export async function openTrustedDocuments({ trustedDocuments }: Config): Promise<TrustedDocuments | null> {
  if (trustedDocuments.length === 0) return null;
  const documents = new TrustedDocuments();
  for (const path of [...trustedDocuments, OWN]) {
    try {
      documents.add(JSON.parse(await readFile(path, "utf8")));
    } catch (error) {
      throw new Error(`TRUSTED_DOCUMENTS names ${path}, which cannot be used: ${(error as Error).message}.`, {
        cause: error,
      });
    }
  }
  return documents;
}
