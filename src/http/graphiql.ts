// GraphiQL at /graphql for browsers, for people who develop. Nothing is loaded from the internet.
import { randomBytes } from "node:crypto";

import type { FastifyInstance } from "fastify";

import { pathOf } from "./errors.ts";

/** The flow, a tab a step; the operations' names are the tabs' titles. */
const TABS = [
  {
    query: `# The mail arrives at /mailbox.
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
    query: `# Paste the token of the mailed link.
mutation FinalizeRegistration {
  finalizeRegistration(token: "") {
    accessToken
    expiresAt
    user { id username email isActive }
  }
}`,
  },
  {
    query: `# With the username or the email address.
mutation Login {
  login(username: "ada", password: "correct horse battery") {
    accessToken
    expiresAt
    user { username }
  }
}`,
  },
  {
    query: `# Put the access token into the Headers below.
query Me {
  me { id username email roles isActive createdAt }
}`,
    headers: '{\n  "Authorization": "Bearer "\n}',
  },
  {
    query: `# The link is lost or has expired? A new one.
mutation ResendRegistration {
  resendRegistration(email: "ada@example.com") {
    message
  }
}`,
  },
  {
    query: `# The mail arrives at /mailbox.
mutation RequestReset {
  requestReset(email: "ada@example.com") {
    message
  }
}`,
  },
  {
    query: `# Paste the token of the mailed link.
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
    if (!isBrowser || pathOf(request) !== "/graphql") return;
    graphiql ??= renderGraphiQL();
    // The page is one script, which a nonce of this answer's own lets run, and no other.
    const nonce = randomBytes(16).toString("base64");
    return reply
      .type("text/html; charset=utf-8")
      .header("content-security-policy", `script-src 'nonce-${nonce}'; ${SECURITY_POLICY}`)
      .send((await graphiql).replace("<script>", `<script nonce="${nonce}">`));
  });
}

/** Loaded when first asked for: production has no use for its megabytes, and the start need not wait for them. */
async function renderGraphiQL(): Promise<string> {
  const library = await import("@graphql-yoga/render-graphiql");
  return library.renderGraphiQL(OPTIONS).replace("</style>", `${STYLE}</style>`);
}

const OPTIONS = {
  title: "Account server · GraphiQL",
  defaultTabs: TABS,
  // Queries hold passwords, and headers tokens: the page writes none into the address bar, and the browser keeps none.
  onEditQuery: null,
  storage: null,
};

/** A pressed tab would jump to the end of the row, where GraphiQL's dragging believes it to be, and miss the click. */
const STYLE = ".graphiql-tab { transform: none !important; }";

/** Its styles, workers and fonts come along in the page. */
const SECURITY_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; worker-src blob:; " +
  "font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
