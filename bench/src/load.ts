// Sends concurrent requests with autocannon, and measures the requests per second and the response times.
import autocannon from "autocannon";

import type { HttpAnswer, HttpRequest } from "./contender.ts";

export interface Load {
  readonly url: string;
  readonly connections: number;
  /** Returns the next request. With `amount`, called exactly that many times. */
  readonly next: () => HttpRequest;
  /** Throws if an answer is not a success. */
  readonly check: (answer: HttpAnswer) => void;
  /** Either of the two ends the load. */
  readonly seconds?: number;
  readonly amount?: number;
}

export interface LoadResult {
  readonly perSecond: number;
  /** Response times in milliseconds. */
  readonly p99: number;
}

/** @throws {Error} with the answer, if any answer is not a success */
export async function load({ url, connections, next, check, seconds, amount }: Load): Promise<LoadResult> {
  const times: number[] = [];
  let fault: Error | undefined;
  const finished = Promise.withResolvers<autocannon.Result>();
  const instance = autocannon(
    {
      url,
      connections: Math.min(connections, amount ?? connections),
      ...(amount !== undefined ? { amount } : { duration: seconds ?? 1 }),
      timeout: 60,
      requests: [
        {
          setupRequest: (request) => {
            const { method, path, headers, body } = next();
            return { ...request, method, path, headers: { ...headers }, body: body ?? "" };
          },
          onResponse: (status, body, _context, headers) => {
            try {
              check({ status, body, headers: headers as HttpAnswer["headers"] });
            } catch (error) {
              fault ??= error as Error;
            }
          },
        },
      ],
    },
    (fault, result) => {
      if (fault) finished.reject(fault as Error);
      else finished.resolve(result);
    },
  );
  const startedAt = performance.now();
  let lastAt = startedAt;
  instance.on("response", (_client, _status, _bytes, milliseconds) => {
    times.push(milliseconds);
    lastAt = performance.now();
  });
  const { errors, timeouts } = await finished.promise;
  if (fault) throw fault;
  if (errors > 0 || timeouts > 0) throw new Error(`${url}: ${errors} errors, ${timeouts} time-outs`);
  times.sort((a, b) => a - b);
  return {
    perSecond: (times.length / (lastAt - startedAt)) * 1000,
    p99: quantile(times, 0.99),
  };
}

/** The percentile of sorted values. */
function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
