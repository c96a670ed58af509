// A collector of traces: takes OTLP over HTTP, as JSON.
import { EventEmitter, once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { onTestFinished } from "vitest";

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
  readonly status: { readonly code?: number };
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: ReceivedSpan["attributes"] };
    readonly scopeSpans: readonly { readonly spans: readonly ReceivedSpan[] }[];
  }[];
}

export class TraceCollector {
  readonly spans: ReceivedSpan[] = [];
  /** What was received, as it came. */
  text = "";
  url = "";
  readonly #events = new EventEmitter();
  readonly #server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      this.text += `${request.url} ${JSON.stringify(request.headers)} ${body}\n`;
      for (const { scopeSpans } of (JSON.parse(body) as Export).resourceSpans)
        this.spans.push(...scopeSpans.flatMap(({ spans }) => spans));
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
      this.#events.emit("spans");
    });
  });

  /** Lives until the end of the test. */
  static async start(): Promise<TraceCollector> {
    const collector = new TraceCollector();
    await once(collector.#server.listen(0, "127.0.0.1"), "listening");
    collector.url = `http://127.0.0.1:${(collector.#server.address() as AddressInfo).port}`;
    onTestFinished(() => {
      collector.#server.closeAllConnections();
      collector.#server.close();
    });
    return collector;
  }

  /** The environment of a server that sends its traces here, soon. */
  get env(): Record<string, string> {
    return {
      OTEL_EXPORTER_OTLP_ENDPOINT: this.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_BSP_SCHEDULE_DELAY: "50", // milliseconds
    };
  }

  /** The first span that matches, now or as soon as it arrives. */
  async span(matches: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan> {
    for (;;) {
      const found = this.spans.find(matches);
      if (found) return found;
      await once(this.#events, "spans", { signal: AbortSignal.timeout(45_000) });
    }
  }

  named(name: string): Promise<ReceivedSpan> {
    return this.span((span) => span.name === name);
  }

  /** The names of a trace, each behind those of the spans that it is a part of. */
  paths(traceId: string): string[] {
    const spans = this.spans.filter((span) => span.traceId === traceId);
    const pathOf = (span: ReceivedSpan): string => {
      const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
      return parent ? `${pathOf(parent)} > ${span.name}` : span.name;
    };
    return [...new Set(spans.map(pathOf))].sort();
  }
}

export function attribute({ attributes }: ReceivedSpan, key: string): unknown {
  const value = attributes.find((one) => one.key === key)?.value;
  return value && Object.values(value)[0];
}
