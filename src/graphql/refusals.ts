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

/** Counts refusals, and writes them once a minute. */
export class Refusals {
  readonly #log: Logger;
  readonly #observer: Pick<OperationObserver, "refused"> | undefined;
  readonly #counts = new Map<string, Refusal>();
  readonly #timer = setInterval(() => this.#write(), MINUTE_MS).unref();

  /** @param observer is told of the documents that were refused as a whole */
  constructor(log: Logger, observer?: Pick<OperationObserver, "refused">) {
    this.#log = log;
    this.#observer = observer;
  }

  /** Counts a request that was refused as a whole. */
  document(code: string): void {
    this.#observer?.refused(code);
    this.#count({ code });
  }

  /** Counts one error of an answer. */
  async error(error: GraphQLError, context: RequestContext): Promise<void> {
    const code = codeOf(error);
    if (code === undefined) return;
    if (error.path === undefined) this.#observer?.refused(code);
    const operation = operationOf(error);
    const refusal = { code, ...(operation !== undefined && { operation }) };
    if (code === "FORBIDDEN") {
      const { user } = await context.viewer();
      this.#count({ ...refusal, userId: user.id }, context.source.ip);
    } else this.#count(refusal);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#write();
  }

  #count(refusal: Omit<Refusal, "count">, address?: string | null): void {
    const key = [refusal.code, refusal.operation, refusal.userId].join(" ");
    const { code, ...more } = refusal;
    const counted = this.#counts.get(key) ?? { code, count: 0, ...more };
    counted.count += 1;
    if (address !== undefined) counted.address = address;
    this.#counts.set(key, counted);
  }

  #write(): void {
    for (const refusal of this.#counts.values()) this.#log.info(refusal, "refused in the last minute");
    this.#counts.clear();
  }
}

/** Counts the errors of all answers. */
export function countRefusals(refusals: Refusals): ApolloServerPlugin<RequestContext> {
  return {
    requestDidStart: () =>
      Promise.resolve({
        async didEncounterErrors({ errors, contextValue }) {
          for (const error of errors) await refusals.error(error, contextValue);
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
