// Apollo Server with our schema and our rules.
import { ApolloServer } from "@apollo/server";
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from "@apollo/server/plugin/disabled";

import type { Accounts } from "../accounts/accounts.ts";
import type { Logger } from "../log.ts";
import type { RequestContext } from "./context.ts";
import { errorFormatter } from "./format-error.ts";
import { MAX_TOKENS, operationLimits } from "./operation-limits.ts";
import { createSchema } from "./schema.ts";

/** The server, started; the caller stops it. */
export async function startApollo(
  accounts: Accounts,
  { isProduction, log }: { isProduction: boolean; log: Logger },
): Promise<ApolloServer<RequestContext>> {
  const apollo = new ApolloServer<RequestContext>({
    schema: await createSchema(accounts),
    introspection: !isProduction,
    hideSchemaDetailsFromClientErrors: isProduction,
    parseOptions: { maxLexicalTokens: MAX_TOKENS },
    validationRules: [operationLimits],
    formatError: errorFormatter(log),
    includeStacktraceInErrorResponses: false,
    persistedQueries: false,
    // There is nothing to forge: the refresh token's cookie counts only with a header that takes a CORS preflight
    // (http/refresh-cookie.ts), GET runs queries alone, and POST takes only JSON (which takes a preflight, too). Apollo's check
    // would refuse urql, which sends queries by GET.
    csrfPrevention: false,
    stopOnTerminationSignals: false,
    // Nothing here may be cached (http/server.ts says so), and Apollo would look for hints at every field.
    plugins: [ApolloServerPluginLandingPageDisabled(), ApolloServerPluginCacheControlDisabled()],
    logger: log,
  });
  await apollo.start();
  return apollo;
}
