// Builds the web client and the mailbox into dist/web. `npm run dev:web` serves both with live reload, in front of a
// running server.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { formatDocument, stringifyDocument } from "@urql/core";
import react from "@vitejs/plugin-react";
import { Kind } from "graphql";
import { defineConfig, type Plugin } from "vite";

import { SESSION_DOCUMENTS } from "../client/session.ts";
import * as operations from "./src/operations.ts";

const SERVER = "http://127.0.0.1:4000";

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), compressed(), documents()],
  build: {
    outDir: "../dist/web",
    emptyOutDir: true,
    target: "baseline-widely-available",
    rolldownOptions: {
      input: ["index.html", "mailbox.html"].map((page) => join(import.meta.dirname, page)),
    },
  },
  server: { proxy: { "/graphql": SERVER, "/mailbox/": SERVER } },
});

/** A compressed copy beside each asset, made once here instead of at each request. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    // Not earlier: until they are written, the chunks still hold placeholders.
    writeBundle({ dir = "" }, bundle) {
      for (const fileName of Object.keys(bundle).filter((name) => /\.(js|css)$/.test(name))) {
        const path = join(dir, fileName);
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
      }
    },
  };
}

/** The texts of all operations, as urql sends them: a server that runs only trusted documents runs these, too. */
function documents(): Plugin {
  return {
    name: "documents",
    apply: "build",
    generateBundle() {
      const texts = Object.values(operations).flatMap((operation) =>
        "definitions" in operation &&
        operation.definitions.some(({ kind }) => kind === Kind.OPERATION_DEFINITION)
          ? [stringifyDocument(formatDocument(operation))]
          : [],
      );
      const list = Object.fromEntries(
        [...Object.values(SESSION_DOCUMENTS), ...texts].map((text) => [
          createHash("sha256").update(text).digest("hex"),
          text,
        ]),
      );
      this.emitFile({ type: "asset", fileName: "documents.json", source: JSON.stringify(list, null, 2) });
    },
  };
}
