// The links in the mails: an address of the configuration plus a token, never anything out of a request.

/** The configured pages; each may hold `{token}` where the token goes. */
export class Links {
  readonly #uris: () => { confirmation: string; reset: string; emailChange: string };

  /** A function, because the server's own pages are known only once it listens. */
  constructor(uris: () => { confirmation: string; reset: string; emailChange: string }) {
    this.#uris = uris;
  }

  confirmation(token: string): string {
    return withToken(this.#uris().confirmation, token);
  }

  reset(token: string): string {
    return withToken(this.#uris().reset, token);
  }

  emailChange(token: string): string {
    return withToken(this.#uris().emailChange, token);
  }
}

/** Without `{token}` it goes into the fragment, which browsers send to no server, so that no server logs it. */
function withToken(uri: string, token: string): string {
  if (uri.includes("{token}")) return uri.replaceAll("{token}", token);
  const fragment = uri.indexOf("#");
  if (fragment === -1) return `${uri}#token=${token}`;
  return `${uri}${uri.includes("?", fragment) ? "&" : "?"}token=${token}`;
}
