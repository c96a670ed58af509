// Starts OpenTelemetry's SDK, which sends traces as its standard variables say. It is large, so only app.ts imports this, and only where
// they ask for traces.
import { context, diag, DiagLogLevel, propagation, trace } from "@opentelemetry/api";
import { NodeSDK } from "@opentelemetry/sdk-node";

import { onceAWhile, type Logger } from "../log.ts";
import { turnTracingOn } from "../tracing.ts";

/** @returns what sends the rest, and ends it */
export function startTracing(log: Logger): () => Promise<void> {
  // Metrics and the log have ways of their own.
  const sdk = new NodeSDK({ metricReaders: [], logRecordProcessors: [] });
  diag.setLogger(diagnostics(log), { logLevel: DiagLogLevel.INFO, suppressOverrideMessage: true });
  sdk.start();
  turnTracingOn();
  return async () => {
    await sdk.shutdown();
    for (const api of [trace, context, propagation, diag]) api.disable();
  };
}

/** A collector that is away is told once, not for each batch that does not reach it. */
function diagnostics(log: Logger) {
  let reason = "";
  const tellFailure = onceAWhile(() =>
    log.warn({ reason }, "traces do not reach their collector, or are faulty"),
  );
  const fail = (message: string) => {
    reason = message.slice(0, 500);
    tellFailure();
  };
  const debug = (message: string) => log.debug(`tracing: ${message}`);
  return { error: fail, warn: fail, info: debug, debug, verbose: debug };
}
