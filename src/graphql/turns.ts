// Operations that read lists take turns by client: however many one client sends at once, the next request of anybody else waits
// for no more than AT_ONCE of them.
import type { ApolloServerPlugin } from "@apollo/server";
import pLimit, { type LimitFunction } from "p-limit";

import { networkOf } from "../network.ts";
import type { RequestContext } from "./context.ts";
import { readsLists } from "./operation-limits.ts";

/** For each client, while the others of the client's wait. */
const AT_ONCE = 2;

export function turns(): ApolloServerPlugin<RequestContext> {
  const clients = new Map<string, LimitFunction>();

  /** Resolves when it is the client's turn, with what ends the turn. */
  async function turnOf(client: string): Promise<() => Promise<void>> {
    const limit = clients.get(client) ?? pLimit(AT_ONCE);
    clients.set(client, limit);
    const { promise, resolve: end } = Promise.withResolvers<void>();
    await new Promise<void>((start) => {
      void limit(() => (start(), promise)).then(() => {
        if (limit.activeCount + limit.pendingCount === 0) clients.delete(client);
      });
    });
    return async () => end();
  }

  const listener = {
    async executionDidStart({ operation, contextValue }: { operation: Parameters<typeof readsLists>[0]; contextValue: RequestContext }) {
      if (!readsLists(operation)) return;
      return { executionDidEnd: await turnOf(networkOf(contextValue.source.ip ?? "")) };
    },
  };
  return { requestDidStart: () => Promise.resolve(listener) };
}
