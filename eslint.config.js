import graphql from "@graphql-eslint/eslint-plugin";
import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

import { rooms } from "./eslint.rooms.js";

export default defineConfig(
  globalIgnores(["dist/", "client/dist/", "release/", "coverage/", "mail-preview/", "test-results/"]),
  {
    files: ["**/*.{js,mjs,ts,tsx}"],
    extends: [
      js.configs.recommended,
      tseslint.configs.strictTypeChecked,
      tseslint.configs.stylisticTypeChecked,
    ],
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ["*.js", "scripts/*.mjs", "web/vite.config.ts"] },
      },
    },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-confusing-void-expression": [
        "error",
        { ignoreArrowShorthand: true, ignoreVoidOperator: true },
      ],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // Resolvers and argument types of type-graphql are classes with little or nothing but decorators.
      "@typescript-eslint/no-extraneous-class": "off",
      "no-control-regex": "off",
    },
  },
  ...rooms,
  {
    files: ["schema.graphql"],
    plugins: { "@graphql-eslint": graphql },
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: "schema.graphql" } },
    },
    rules: {
      ...graphql.configs["flat/schema-recommended"].rules,
      "@graphql-eslint/no-typename-prefix": "off", // `username` is one word
      "@graphql-eslint/no-unreachable-types": "off", // AccountErrorExtensions is for code generators
      "@graphql-eslint/strict-id-in-types": [
        "error",
        {
          exceptions: {
            types: [
              "RegistrationRules",
              "PendingAccount",
              "QueuedEmailCounts",
              "AccountErrorExtensions",
              "AccountErrorField",
            ],
            suffixes: ["Connection", "Edge", "Payload", "PageInfo"],
          },
        },
      ],
    },
  },
  { files: ["web/**", "examples/**"], extends: [reactHooks.configs.flat.recommended] },
  {
    files: ["src/**/*.ts"],
    ignores: ["src/config/**"],
    rules: {
      "no-restricted-properties": [
        "error",
        { object: "process", property: "env", message: "The environment is read in src/config/ alone." },
      ],
    },
  },
  {
    files: ["tests/**/*.ts", "bench/**/*.ts"],
    rules: { "@typescript-eslint/no-non-null-assertion": "off" },
  },
  {
    files: ["**/*.js", "**/*.mjs"],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: { process: "readonly", console: "readonly" } },
  },
);
