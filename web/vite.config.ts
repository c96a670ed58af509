// Builds the web client and the mailbox into dist/web. `npm run dev:web` serves both with live reload, in front of a
// running server.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const SERVER = "http://127.0.0.1:4000";

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), compressed()],
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
