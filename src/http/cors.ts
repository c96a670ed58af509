// Which pages of other origins may call /graphql (CORS): those of CORS_ORIGINS, with the headers that clients add by themselves.
import cors, { type FastifyCorsOptions } from "@fastify/cors";
import type { FastifyInstance } from "fastify";

import { isGraphQL } from "./errors.ts";

/** What well-known clients send. A browser sends no request at all if the preflight allows all but one of its headers. */
const CLIENT_HEADERS = [
  ...["content-type", "authorization", "session-transport", "x-request-id", "x-requested-with"],
  // Apollo Client, on the web and on phones
  ...["apollographql-client-name", "apollographql-client-version", "apollo-require-preflight"],
  ...["x-apollo-operation-name", "x-apollo-operation-id", "x-apollo-operation-type"],
  // other GraphQL clients
  ...["graphql-client-name", "graphql-client-version", "graphql-require-preflight", "graphql-preflight"],
  // traces: W3C Trace Context and Baggage, Sentry, Datadog, Zipkin (B3), New Relic
  ...["traceparent", "tracestate", "baggage", "sentry-trace"],
  ...["x-datadog-trace-id", "x-datadog-parent-id", "x-datadog-origin", "x-datadog-sampling-priority"],
  ...["b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "newrelic"],
] as const;

export interface CorsSettings {
  readonly corsOrigins: readonly string[];
  /** Names of headers that pages may send besides CLIENT_HEADERS. */
  readonly corsHeaders: readonly string[];
}

export async function allowOrigins(
  http: FastifyInstance,
  { corsOrigins, corsHeaders }: CorsSettings,
): Promise<void> {
  const options: FastifyCorsOptions = {
    origin: [...corsOrigins],
    methods: ["GET", "POST"],
    allowedHeaders: [...CLIENT_HEADERS, ...corsHeaders],
    exposedHeaders: ["retry-after", "x-request-id", "date"], // the last for client/
    credentials: true, // the refresh token's cookie
    maxAge: 600, // seconds
    strictPreflight: false, // otherwise other OPTIONS requests are answered with plain text
  };
  await http.register(cors, {
    delegator: (request, done) => done(null, isGraphQL(request) ? options : { origin: false }),
  });
}
