// A front end on another origin than the server: one page, whatever its path, that asks who is logged in, by the cookie.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { onTestFinished } from "vitest";

export interface FrontEnd {
  readonly origin: string;
  /** Tells it where the server is, which has to know its origin first. */
  callsServer(url: string): void;
}

const PAGE = `<!doctype html><html lang="en"><head><title>Front end</title><link rel="icon" href="data:,"></head>
<body><h1>Front end</h1><p id="who">...</p><script type="module">
  const query = "mutation { refreshSession { accessToken user { username } } }";
  const answer = await fetch("SERVER/graphql", {
    method: "POST",
    credentials: "include",
    headers: { "content-type": "application/json", "session-transport": "cookie" },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = await answer.json();
  document.getElementById("who").textContent = errors
    ? errors[0].extensions.code
    : "Hello " + data.refreshSession.user.username;
</script></body></html>`;

/** Lives until the end of the test. */
export async function startFrontEnd(): Promise<FrontEnd> {
  let serverUrl = "";
  const http = createServer((_request, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8").end(PAGE.replace("SERVER", serverUrl));
  });
  await new Promise<void>((listening) => http.listen(0, "127.0.0.1", listening));
  onTestFinished(() => void http.close());
  return {
    origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    callsServer(url) {
      serverUrl = url;
    },
  };
}
