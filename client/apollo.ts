// The session as a link of Apollo Client.
import { ApolloLink, HttpLink } from "@apollo/client";

import type { Session } from "./session.ts";

/**
 * The last link of a chain: sends each operation as the user who is logged in when it comes here first, also if a RetryLink repeats it.
 * @param options those of HttpLink
 */
export function sessionLink(
  session: Session,
  options: Omit<HttpLink.Options, "uri" | "fetch"> = {},
): ApolloLink {
  const links = new WeakMap<ApolloLink.Operation, HttpLink>();
  return new ApolloLink((operation, forward) => {
    let link = links.get(operation);
    if (!link) {
      const fetch = session.fetchAs(session.state.userId);
      link = new HttpLink({ ...options, uri: session.url, fetch });
      links.set(operation, link);
    }
    return link.request(operation, forward);
  });
}
