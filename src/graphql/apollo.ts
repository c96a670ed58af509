// Configures Apollo Server with the schema, the limits and the error format.
import { ApolloServer, type ApolloServerPlugin } from "@apollo/server";
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from "@apollo/server/plugin/disabled";
import type { DocumentNode } from "graphql";
import { LRUCache } from "lru-cache";

import type { Accounts } from "../accounts/accounts.ts";
import type { Logger } from "../log.ts";
import type { RequestContext } from "./context.ts";
import { errorFormatter, type InternalError } from "./format-error.ts";
import { noIntrospection } from "./introspection.ts";
import { observeFields, type OperationObserver } from "./observed-fields.ts";
import { MAX_TOKENS, operationLimits } from "./operation-limits.ts";
import { countRefusals, type Refusals } from "./refusals.ts";
import { createSchema } from "./schema.ts";
import type { TrustedDocuments } from "./trusted-documents.ts";
import { turns } from "./turns.ts";

/** For the documents that are kept parsed and validated, because clients send the same ones again and again. */
const DOCUMENTS_MAX_BYTES = 8 * 1024 * 1024;
/** Measured: what a token of a parsed document takes, and at most a document of few tokens. */
const BYTES_PER_TOKEN = 300;
const BYTES_PER_DOCUMENT = 5_000;
/** For the texts of automatic persisted queries. A client sends a text again when it is forgotten. */
const PERSISTED_MAX_BYTES = 4 * 1024 * 1024;

/** Answers with Retry-After (RFC 9110, 10.2.3) if an error says how long to wait; the longest, if several do. */
const retryAfterHeader: ApolloServerPlugin<RequestContext> = {
  requestDidStart: () =>
    Promise.resolve({
      willSendResponse({ response }) {
        const { body, http } = response;
        const errors = body.kind === "single" ? (body.singleResult.errors ?? []) : [];
        const seconds = errors.map(({ extensions }) => Number(extensions?.["retryAfterSeconds"] ?? 0));
        const longest = Math.max(0, ...seconds);
        if (longest > 0) http.headers.set("retry-after", String(longest));
        return Promise.resolve();
      },
    }),
};

export interface ApolloParts {
  readonly hasIntrospection: boolean;
  readonly log: Logger;
  readonly internalError: InternalError;
  readonly refusals: Refusals;
  /** The only documents that are run; null if any is. */
  readonly trustedDocuments: TrustedDocuments | null;
  readonly observer?: OperationObserver | undefined;
}

/** Starts the server. The caller stops it. */
export async function startApollo(
  accounts: Accounts,
  { hasIntrospection, log, internalError, refusals, trustedDocuments, observer }: ApolloParts,
): Promise<ApolloServer<RequestContext>> {
  const schema = await createSchema(accounts);
  observeFields(schema, observer);
  const validationRules = hasIntrospection ? [operationLimits] : [operationLimits, noIntrospection];
  for (const fault of trustedDocuments?.faults(schema, validationRules) ?? []) log.warn(fault);
  const apollo = new ApolloServer<RequestContext>({
    schema,
    introspection: true, // Apollo's refusal would tell clients to configure Apollo
    hideSchemaDetailsFromClientErrors: !hasIntrospection,
    parseOptions: { maxLexicalTokens: MAX_TOKENS },
    validationRules,
    formatError: errorFormatter(internalError),
    includeStacktraceInErrorResponses: false,
    documentStore: boundedStore<DocumentNode>(
      DOCUMENTS_MAX_BYTES,
      // Apollo's own store counts a document as its JSON, a quarter of what it takes in memory.
      ({ tokenCount = MAX_TOKENS }) => BYTES_PER_DOCUMENT + BYTES_PER_TOKEN * tokenCount,
    ),
    // Apollo keeps a text only after it has passed validation, so after the limits, too. Trusted documents are asked for by
    // their ids before Apollo sees the request (http/trusted-documents.ts).
    persistedQueries: trustedDocuments === null && {
      cache: boundedStore<string>(PERSISTED_MAX_BYTES, (text) => 2 * text.length + 1),
      ttl: null,
    },
    // Not needed: the cookie of the refresh token is read only with a header that requires a CORS preflight
    // (http/refresh-cookie.ts), GET runs only queries, and POST accepts only JSON, which also requires a preflight. Apollo's
    // check would reject urql, which sends queries with GET.
    csrfPrevention: false,
    stopOnTerminationSignals: false,
    // No answer may be cached (see http/server.ts), and Apollo would look for cache hints at every field.
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginCacheControlDisabled(),
      turns(),
      retryAfterHeader,
      countRefusals(refusals),
    ],
    logger: log,
  });
  await apollo.start();
  return apollo;
}

/** Forgets what was not asked for the longest. */
function boundedStore<Value extends object | string>(maxBytes: number, bytesOf: (value: Value) => number) {
  const values = new LRUCache<string, Value>({ maxSize: maxBytes, sizeCalculation: bytesOf });
  return {
    get: (key: string) => Promise.resolve(values.get(key)),
    set: (key: string, value: Value) => Promise.resolve(void values.set(key, value)),
    delete: (key: string) => Promise.resolve(values.delete(key)),
  };
}
