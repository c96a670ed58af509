// Logs what was refused: one line a minute for each error code and operation, with how often. It contains nothing from the
// request, and an attack cannot fill a disk with it. The audit trail has what concerns one account.
import type { ApolloServerPlugin } from "@apollo/server";
import { unwrapResolverError } from "@apollo/server/errors";
import { Kind, type GraphQLError } from "graphql";

import { AccountError } from "../accounts/rules/account-error.ts";
import type { Logger } from "../log.ts";
import type { RequestContext } from "./context.ts";
import type { OperationObserver } from "./observed-fields.ts";

const MINUTE_MS = 60_000;

interface Refusal {
  readonly code: string;
  /** The query or mutation; undefined if the request was refused as a whole. */
  readonly operation?: string;
  /** Who tried to do what only others may: FORBIDDEN alone. */
  readonly userId?: string;
  /** The IP address of the latest such attempt. */
  address?: string | null;
  count: number;
}

/** @param observer is told of the documents that were refused as a whole */
export function logRefusals(
  log: Logger,
  observer?: Pick<OperationObserver, "refused">,
): ApolloServerPlugin<RequestContext> {
  const refusals = new Map<string, Refusal>();

  function write(): void {
    for (const refusal of refusals.values()) log.info(refusal, "refused in the last minute");
    refusals.clear();
  }

  async function count(error: GraphQLError, context: RequestContext): Promise<void> {
    const code = codeOf(error);
    if (code === undefined) return;
    if (error.path === undefined) observer?.refused(code);
    const operation = operationOf(error);
    const userId = code === "FORBIDDEN" ? (await context.viewer()).user.id : undefined;
    const key = [code, operation, userId].join(" ");
    const refusal = refusals.get(key) ?? {
      code,
      count: 0,
      ...(operation !== undefined && { operation }),
      ...(userId !== undefined && { userId }),
    };
    refusal.count += 1;
    if (userId !== undefined) refusal.address = context.source.ip;
    refusals.set(key, refusal);
  }

  return {
    serverWillStart() {
      const timer = setInterval(write, MINUTE_MS).unref();
      return Promise.resolve({
        serverWillStop() {
          clearInterval(timer);
          write();
          return Promise.resolve();
        },
      });
    },
    requestDidStart: () =>
      Promise.resolve({
        async didEncounterErrors({ errors, contextValue }) {
          for (const error of errors) await count(error, contextValue);
        },
      }),
  };
}

/** Undefined for an unexpected error, which has a line of its own. */
function codeOf(error: GraphQLError): string | undefined {
  const cause = unwrapResolverError(error);
  if (cause instanceof AccountError) return cause.code;
  const { code } = error.extensions;
  return cause === error && typeof code === "string" ? code : undefined;
}

/** By its name in the schema. In the error's path stands the alias, which is text from the request. */
function operationOf({ path, nodes }: GraphQLError): string | undefined {
  const node = path?.length === 1 ? nodes?.[0] : undefined;
  return node?.kind === Kind.FIELD ? node.name.value : undefined;
}
