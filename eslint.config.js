import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

/** Imports run one way, graphql -> accounts -> mail/queue, and each library has one home (docs/architecture.md). */
function forbid(files, ignores, ...groups) {
  return {
    files,
    ignores,
    rules: {
      "@typescript-eslint/no-restricted-imports": [
        "error",
        { patterns: groups.map(([message, ...group]) => ({ group, message })) },
      ],
    },
  };
}

const homes = {
  argon2: "src/accounts/hashing/hashing-process.ts",
  bcrypt: "src/accounts/hashing/hashing-process.ts",
  jsonwebtoken: "src/accounts/tokens.ts",
  nodemailer: "src/mail/transport.ts",
  handlebars: "src/mail/renderer.ts",
  "pg-boss": "src/mail/queue.ts",
  pino: "src/log.ts",
};
const homeless = (file) =>
  Object.entries(homes)
    .filter(([, home]) => home !== file)
    .map(([library, home]) => [`${library} has one home: ${home}.`, library, `${library}/*`]);

const frameworks = [
  "type-graphql",
  "@apollo/*",
  "@apollo/*/**",
  "fastify",
  "@fastify/*",
  "@as-integrations/*",
];
const ACCOUNTS = [
  "accounts/ compiles without GraphQL and HTTP.",
  ...frameworks,
  "graphql",
  "**/graphql/**",
  "**/http/**",
];
const ACCOUNTS_MAIL = [
  "accounts/ knows of mail/ only the queue (and the renderer's types).",
  "**/mail/transport*",
  "**/mail/worker*",
  "**/mail/mailbox*",
];
const MAIL = [
  "mail/ knows nothing of accounts: app.ts hands it a compose function.",
  "**/accounts/**",
  "**/graphql/**",
  "**/http/**",
  ...frameworks,
];
const DATABASE = ["database/ knows entities only.", "**/graphql/**", "**/http/**", "**/accounts/accounts*"];
const GRAPHQL = [
  "graphql/ reaches mail and database through accounts/ only.",
  "**/mail/**",
  "**/database/**",
  "**/http/**",
];

const rules = Object.entries({
  accounts: [ACCOUNTS, ACCOUNTS_MAIL],
  mail: [MAIL],
  database: [DATABASE],
  graphql: [GRAPHQL],
  http: [["http/ reaches accounts through graphql/ only.", "**/accounts/**", "**/database/**"]],
}).map(([folder, groups]) =>
  forbid([`src/${folder}/**/*.ts`], Object.values(homes), ...groups, ...homeless()),
);
const rulesAtHome = Object.entries(homes)
  .map(([, home]) => home)
  .map((home) =>
    forbid(
      [home],
      [],
      ...({ accounts: [ACCOUNTS, ACCOUNTS_MAIL], mail: [MAIL] }[home.split("/")[1]] ?? []),
      ...homeless(home),
    ),
  );

export default defineConfig(
  globalIgnores(["dist/", "coverage/", "mail-preview/", "test-results/"]),
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
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
  ...rules,
  ...rulesAtHome,
  forbid(["src/{bin,app,config}/**/*.ts"], ["src/log.ts"], ...homeless()),
  forbid(
    ["src/bin/account/*.ts"],
    [],
    [
      "bin/account/ reaches accounts and database without a server.",
      ...frameworks,
      "**/graphql/**",
      "**/http/**",
    ],
    ...homeless(),
  ),
  { files: ["web/**"], extends: [reactHooks.configs.flat.recommended] },
  {
    files: ["web/**"],
    rules: {
      "@typescript-eslint/no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              regex: "/src/(?!accounts/rules/)",
              message: "web/ meets the server by its API; only accounts/rules/ is shared.",
            },
          ],
        },
      ],
    },
  },
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
