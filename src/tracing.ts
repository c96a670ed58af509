// Traces of what a request does. By OpenTelemetry's API alone: its SDK is loaded by app/start-tracing.ts, on servers that its variables
// ask for traces. A span has a name from the source, and never an argument, a value or the text of a statement.
import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Span,
} from "@opentelemetry/api";

const tracer = trace.getTracer("account-server");
let isOn = false;

/** Until this is called, nothing here costs more than a call of a function. */
export function turnTracingOn(): void {
  isOn = true;
}

export interface SpanOptions {
  /** Where the work comes from or goes to, if not from here. */
  readonly kind?: keyof typeof SpanKind;
  readonly attributes?: Attributes;
  /** The headers (W3C Trace Context) of the trace that this goes on with. Without them, it is a part of what is under way. */
  readonly from?: object;
}

/** Does `work` in a span, which ends when its promise settles. Spans that begin meanwhile are parts of it. */
export function traced<T>(
  name: string,
  work: () => T,
  { kind = "INTERNAL", attributes, from }: SpanOptions = {},
): T {
  if (!isOn) return work();
  const parent = from === undefined ? context.active() : propagation.extract(ROOT_CONTEXT, from);
  const options = { kind: SpanKind[kind], ...(attributes && { attributes }) };
  return tracer.startActiveSpan(name, options, parent, (span) => {
    try {
      const result = work();
      if (!(result instanceof Promise)) return ended(span, result);
      return result.then(
        (value: unknown) => ended(span, value),
        (error: unknown) => failed(span, error),
      ) as T;
    } catch (error) {
      return failed(span, error);
    }
  });
}

/** Adds to the span that is under way. */
export function annotate(attributes: Attributes): void {
  if (isOn) trace.getActiveSpan()?.setAttributes(attributes);
}

/** What a later part of the trace under way goes on with, as `from`; null if there is none. */
export function traceToContinue(): { traceparent: string } | null {
  if (!isOn) return null;
  const headers: { traceparent?: string } = {};
  propagation.inject(context.active(), headers);
  return headers.traceparent === undefined ? null : { traceparent: headers.traceparent };
}

function ended<T>(span: Span, result: T): T {
  span.end();
  return result;
}

/** Tells of an error no more than its code or its name: a message may quote what somebody sent. */
function failed(span: Span, error: unknown): never {
  const { code, name } = error as { code?: unknown; name?: unknown };
  const type = [code, name].find((one) => typeof one === "string" && /^\w{1,64}$/.test(one)) ?? "unknown";
  span.setAttribute("error.type", type);
  // A refusal is an answer like others.
  if (name !== "AccountError") span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
  throw error;
}
