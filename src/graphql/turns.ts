// Operations that read lists take turns by client: however many of them one client sends at once, a request of anybody else waits
// for no more than AT_ONCE.
import type { ApolloServerPlugin, GraphQLRequestListener } from "@apollo/server";
import pLimit, { type LimitFunction } from "p-limit";

import { clientOf } from "../accounts/model/request-source.ts";
import type { RequestContext } from "./context.ts";
import { readsLists } from "./operation-limits.ts";

/** For each client. */
const AT_ONCE = 2;

export function turns(): ApolloServerPlugin<RequestContext> {
  const clients = new Map<string, LimitFunction>();

  /** Resolves when it is the client's turn, with what ends the turn. */
  async function turnOf(client: string): Promise<() => Promise<void>> {
    const limit = clients.get(client) ?? pLimit(AT_ONCE);
    clients.set(client, limit);
    const begun = Promise.withResolvers<undefined>();
    const ended = Promise.withResolvers<undefined>();
    const turn = limit(() => {
      begun.resolve(undefined);
      return ended.promise;
    });
    void turn.then(() => {
      if (limit.activeCount + limit.pendingCount === 0) clients.delete(client);
    });
    await begun.promise;
    return () => {
      ended.resolve(undefined);
      return Promise.resolve();
    };
  }

  const listener: GraphQLRequestListener<RequestContext> = {
    async executionDidStart({ operation, contextValue }) {
      if (!readsLists(operation)) return undefined;
      return { executionDidEnd: await turnOf(clientOf(contextValue.source)) };
    },
  };
  return { requestDidStart: () => Promise.resolve(listener) };
}
