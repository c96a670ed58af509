// Serves GraphiQL to browsers at /graphql in development. It loads nothing from the internet.
import { randomBytes } from "node:crypto";

import type { FastifyInstance } from "fastify";

import { isGraphQL } from "./errors.ts";

/** One tab for each step of the flow. The name of the operation is the title of the tab. */
const TABS = [
  {
    query: `# The email arrives at /mailbox.
mutation Register {
  register(
    username: "ada"
    email: "ada@example.com"
    password: "correct horse battery"
  ) {
    message
  }
}`,
  },
  {
    query: `# Paste the token from the link in the email.
mutation FinalizeRegistration {
  finalizeRegistration(token: "") {
    accessToken
    expiresAt
    user { id username email isActive }
  }
}`,
  },
  {
    query: `# Log in with the username or the email address.
mutation Login {
  login(username: "ada", password: "correct horse battery") {
    accessToken
    expiresAt
    user { username }
  }
}`,
  },
  {
    query: `# Add the access token in the Headers pane below.
query Me {
  me { id username email roles isActive createdAt }
}`,
    headers: '{\n  "Authorization": "Bearer "\n}',
  },
  {
    query: `# If the link is lost or has expired, request another one.
mutation ResendRegistration {
  resendRegistration(email: "ada@example.com") {
    message
  }
}`,
  },
  {
    query: `# The email arrives at /mailbox.
mutation RequestReset {
  requestReset(email: "ada@example.com") {
    message
  }
}`,
  },
  {
    query: `# Paste the token from the link in the email.
mutation FinalizeReset {
  finalizeReset(token: "", password: "an even better battery") {
    accessToken
    expiresAt
    user { username }
  }
}`,
  },
];

export function serveGraphiQL(http: FastifyInstance): void {
  let graphiql: Promise<string> | undefined;
  http.addHook("onRequest", async (request, reply) => {
    const isBrowser = request.method === "GET" && (request.headers.accept ?? "").includes("text/html");
    if (!isBrowser || !isGraphQL(request)) return;
    graphiql ??= renderGraphiQL();
    // Each answer has a new nonce, which allows only the one script of the page.
    const nonce = randomBytes(16).toString("base64");
    return reply
      .type("text/html; charset=utf-8")
      .header("content-security-policy", `script-src 'nonce-${nonce}'; ${SECURITY_POLICY}`)
      .send((await graphiql).replace("<script>", `<script nonce="${nonce}">`));
  });
}

/** Imports the library at the first request. It is several megabytes, which production and the start do not need. */
async function renderGraphiQL(): Promise<string> {
  const library = await import("@graphql-yoga/render-graphiql");
  return library.renderGraphiQL(OPTIONS).replace("</style>", `${STYLE}</style>`);
}

const OPTIONS = {
  title: "Account server · GraphiQL",
  defaultTabs: TABS,
  // Queries contain passwords and headers contain tokens, so neither the address bar nor the browser keeps them.
  onEditQuery: null,
  storage: null,
};

/** Without this, GraphiQL's drag and drop moves a pressed tab to the end of the row, and the click misses it. */
const STYLE = ".graphiql-tab { transform: none !important; }";

/** Styles, workers and fonts are embedded in the page. */
const SECURITY_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; worker-src blob:; " +
  "font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
