// The links in emails: a URI from the configuration plus a token, never anything from a request.

/** Where links lead. */
export interface LinkUris {
  readonly confirmation: string;
  readonly reset: string;
  readonly emailChange: string;
  readonly emailUndo: string;
}

/** The configured pages. Each URI may contain `{token}`, where the token goes. */
export class Links {
  readonly #uris: () => LinkUris;

  /** @param uris a function, because the server knows the URIs of its own pages only once it listens */
  constructor(uris: () => LinkUris) {
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

  emailUndo(token: string): string {
    return withToken(this.#uris().emailUndo, token);
  }
}

/** Without `{token}`, the token goes into the fragment, which browsers never send to a server, so that no server logs it. */
function withToken(uri: string, token: string): string {
  if (uri.includes("{token}")) return uri.replaceAll("{token}", token);
  const fragment = uri.indexOf("#");
  if (fragment === -1) return `${uri}#token=${token}`;
  return `${uri}${uri.includes("?", fragment) ? "&" : "?"}token=${token}`;
}
