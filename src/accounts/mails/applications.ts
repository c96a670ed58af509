// The applications of the product: where the links of their mails lead, and the name that their mails go by.
import type { Links } from "./links.ts";

export interface Application {
  /** The name of the product, also the sender's. */
  readonly appName: string;
  readonly links: Links;
}

/** By name, beside the one for requests that name none. */
export class Applications {
  readonly #standard: Application;
  readonly #named: ReadonlyMap<string, Application>;

  constructor(standard: Application, named: ReadonlyMap<string, Application>) {
    this.#standard = standard;
    this.#named = named;
  }

  /** The standard one for a name that is unknown, because it has left the configuration since the request. */
  of(name: string | undefined): Application {
    return (name === undefined ? undefined : this.#named.get(name)) ?? this.#standard;
  }
}
