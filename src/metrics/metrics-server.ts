// Serves the metrics on a port of their own, for Prometheus alone: what they tell of logins and emails is not for clients.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import type { Logger } from "../log.ts";
import { listenError, serverUrl } from "../network.ts";

/** Prometheus opens one. */
const MAX_CONNECTIONS = 20;
const REQUEST_WITHIN_MS = 5_000;

export interface MetricsServer {
  /** Where the metrics are, such as http://127.0.0.1:9464/metrics. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * @param read the metrics in Prometheus' text format
 * @throws {Error} if the port cannot be used
 */
export async function serveMetrics(
  { host, port }: { readonly host: string; readonly port: number },
  read: () => Promise<string>,
  log: Logger,
): Promise<MetricsServer> {
  const server = createServer(
    {
      requestTimeout: REQUEST_WITHIN_MS,
      headersTimeout: REQUEST_WITHIN_MS,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      const answer = (status: number, text: string) => {
        response.writeHead(status, { ...HEADERS, "content-length": Buffer.byteLength(text) }).end(text);
      };
      if (request.method !== "GET" || request.url?.split("?", 1)[0] !== "/metrics") {
        answer(404, "Metrics are at GET /metrics.\n");
        return;
      }
      read().then(
        (text) => answer(200, text),
        (error: unknown) => {
          log.error({ err: error }, "the metrics cannot be read");
          answer(503, "The metrics cannot be read. The log says why.\n");
        },
      );
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  const listening = Promise.withResolvers<undefined>();
  server.once("error", (error) => listening.reject(listenError(error, host, port, "METRICS_PORT")));
  server.listen(port, host, () => listening.resolve(undefined));
  await listening.promise;
  const url = `${serverUrl(host, (server.address() as AddressInfo).port)}/metrics`;
  log.info(`metrics at ${url}`);
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const HEADERS = {
  "content-type": "text/plain; version=0.0.4; charset=utf-8",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};
