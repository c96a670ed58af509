// The session as an exchange of urql.
import { makeOperation, mapExchange, type Exchange } from "@urql/core";

import type { Session } from "./session.ts";

/**
 * Sends each operation as the user who is logged in when it begins, also if another exchange repeats it later. So it stands before all
 * others.
 */
export function sessionExchange(session: Session): Exchange {
  return mapExchange({
    onOperation: (operation) =>
      makeOperation(operation.kind, operation, {
        ...operation.context,
        fetch: session.fetchAs(session.state.userId),
      }),
  });
}
