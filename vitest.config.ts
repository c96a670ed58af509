import { fileURLToPath } from "node:url";

import { defineConfig } from "vitest/config";

/** What takes long: `npm run test:security` and the like, which also run the short tests of their folders. */
const LONG = "tests/**/*.long.test.ts";
const WITH_LONG = ["security", "faults", "failover", "ops", "shipping"];

function include(mode: string): string {
  if (mode === "release-fixture") return "tests/support/make-release-fixture.ts";
  return WITH_LONG.includes(mode) ? `tests/${mode}/**/*.test.ts` : "tests/**/*.test.ts";
}

export default defineConfig(({ mode }) => ({
  // The file that Node itself takes; Vite would take index.mjs and load graphql twice.
  resolve: { alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve("graphql")) }] },
  test: {
    include: [include(mode)],
    exclude: WITH_LONG.includes(mode) ? [] : [LONG],
    globalSetup: "tests/support/postgres.ts",
    // Of three, one waits most of the time; images are built by one at a time.
    maxWorkers: mode === "shipping" ? 1 : 3,
    // Each file would load the server anew, a tenth of the whole run. Tests replace no module, so files can share them.
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Long, so that a busy machine fails no test.
    expect: { poll: { interval: 20, timeout: 45_000 } },
    coverage: {
      include: ["src/**"],
      // Run as processes of their own by tests/process/, where no coverage is taken.
      exclude: ["src/bin/**"],
      reporter: ["text-summary", "html"],
    },
  },
}));
