// The pages for people who develop: how to use a token at `/`, where the mailed links lead until there is a web
// client, and GraphiQL at /graphql for browsers. Nothing is loaded from the internet.
import { randomBytes } from "node:crypto";

import type { FastifyInstance, FastifyReply } from "fastify";

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

export function servePages(http: FastifyInstance, { hasMailbox }: { hasMailbox: boolean }): void {
  let graphiql: Promise<string> | undefined;
  http.addHook("onRequest", async (request, reply) => {
    const isBrowser = request.method === "GET" && (request.headers.accept ?? "").includes("text/html");
    if (!isBrowser || request.url !== "/graphql") return;
    graphiql ??= renderGraphiQL();
    return sendPage(reply, await graphiql, GRAPHIQL_SOURCES);
  });
  http.get("/", (_request, reply) => sendPage(reply, homePage(hasMailbox)));
}

/** Loaded when first asked for: production has no use for its megabytes, and the start need not wait for them. */
async function renderGraphiQL(): Promise<string> {
  const library = await import("@graphql-yoga/render-graphiql");
  return library.renderGraphiQL({ title: "Account server · GraphiQL", defaultTabs: TABS });
}

/** What GraphiQL needs besides: its workers and fonts come along in the page. */
const GRAPHIQL_SOURCES = "worker-src blob:; font-src data:; ";

/**
 * Sends a page with a nonce of this answer's own: only its one script, which bears it, runs. Pages that take tokens are
 * kept nowhere, name nobody as their referrer, and stand in no frame.
 */
export function sendPage(reply: FastifyReply, html: string, sources = ""): FastifyReply {
  const nonce = randomBytes(16).toString("base64");
  return reply
    .type("text/html; charset=utf-8")
    .header(
      "content-security-policy",
      `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; ` +
        `${sources}base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    )
    .send(html.replace("<script>", `<script nonce="${nonce}">`));
}

export const PAGE_STYLE = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { margin: 0 auto; padding: 2rem 1rem; max-width: 60rem; }
  h1 { font-size: 1.5rem; line-height: 1.2; }
  a { color: light-dark(#1d4ed8, #93b4ff); }
  pre { padding: 1rem; border-radius: 8px; background: light-dark(#f3f4f6, #1f2430); white-space: pre-wrap; overflow-wrap: anywhere; }
  button { font: inherit; padding: 0.4rem 1rem; border-radius: 6px; border: 1px solid; cursor: pointer; background: none; color: inherit; }
`;

function homePage(hasMailbox: boolean): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Account server</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<h1>Account server</h1>
<p><a href="/graphql">GraphiQL</a>${hasMailbox ? ' · <a href="/mailbox">Mailbox</a>' : ""}</p>
<section id="link" hidden>
  <h2 id="title"></h2>
  <p>You came here by the link of a mail. Opening it has changed nothing yet: paste this into
  <a href="/graphql">GraphiQL</a> and run it.</p>
  <pre id="operation"></pre>
  <button id="copy">Copy</button>
</section>
<section id="start">
  <p>Open GraphiQL and follow its tabs: register, take the token out of the link in the confirmation mail,
  <code>finalizeRegistration</code>, <code>login</code>, <code>me</code>.</p>
</section>
<script>
  function show() {
    const match = /^#\\/(finalize|reset)\\?token=([\\w.-]+)$/.exec(location.hash);
    if (!match) return;
    const [, page, token] = match;
    history.replaceState(null, "", "/"); // the token stays out of the history
    const call = page === "finalize"
      ? 'finalizeRegistration(token: "' + token + '")'
      : 'finalizeReset(\\n    token: "' + token + '"\\n    password: "your new password"\\n  )';
    document.getElementById("title").textContent = page === "finalize" ? "Confirm the account" : "Set a new password";
    document.getElementById("operation").textContent =
      "mutation {\\n  " + call + " {\\n    accessToken\\n    expiresAt\\n    user { username }\\n  }\\n}";
    document.getElementById("link").hidden = false;
    document.getElementById("start").hidden = true;
  }
  document.getElementById("copy").addEventListener("click", (event) => {
    navigator.clipboard.writeText(document.getElementById("operation").textContent);
    event.target.textContent = "Copied";
  });
  addEventListener("hashchange", show);
  show();
</script>
</body>
</html>`;
}
