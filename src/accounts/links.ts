// The links in the mails: an address of the configuration plus a token, never anything out of a request.

/** The configured pages; each may hold `{token}` where the token goes. */
export class Links {
  readonly #confirmationUri: () => string;
  readonly #resetUri: () => string;

  /** Functions, because the server's own pages are known only once it listens. */
  constructor(confirmationUri: () => string, resetUri: () => string) {
    this.#confirmationUri = confirmationUri;
    this.#resetUri = resetUri;
  }

  confirmation(token: string): string {
    return withToken(this.#confirmationUri(), token);
  }

  reset(token: string): string {
    return withToken(this.#resetUri(), token);
  }
}

/** Without `{token}` it goes into the fragment, which browsers send to no server, so that no server logs it. */
function withToken(uri: string, token: string): string {
  if (uri.includes("{token}")) return uri.replaceAll("{token}", token);
  const fragment = uri.indexOf("#");
  if (fragment === -1) return `${uri}#token=${token}`;
  return `${uri}${uri.includes("?", fragment) ? "&" : "?"}token=${token}`;
}
