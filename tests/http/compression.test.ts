// Large answers are compressed for clients that can read them so; small ones, and requests, are not.
import { request } from "node:http";
import { brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import { buffer } from "node:stream/consumers";

import { expect, test } from "vitest";

import { sharedServer } from "../support/server.ts";

const shared = sharedServer();

interface RawAnswer {
  readonly status: number | undefined;
  readonly encoding: string | undefined;
  readonly vary: string | undefined;
  readonly body: Buffer;
}

/** Without `fetch`, which decompresses by itself. */
function send(headers: Record<string, string>, body: string | Buffer): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const url = `${shared().url}/graphql`;
    const options = { method: "POST", headers: { "content-type": "application/json", ...headers } };
    request(url, options, (response) => {
      const { statusCode, headers } = response;
      buffer(response).then(
        (body) =>
          resolve({
            status: statusCode,
            encoding: headers["content-encoding"],
            vary: headers.vary,
            body,
          }),
        reject,
      );
    })
      .on("error", reject)
      .end(body);
  });
}

const LARGE = JSON.stringify({
  query: "{ __schema { types { name description fields { name description } } } }",
});

test.each([
  ["br", brotliDecompressSync],
  ["gzip", gunzipSync],
])("a large answer comes as %s", async (encoding, decompress) => {
  const plain = await send({}, LARGE);
  expect(plain).toMatchObject({ status: 200, encoding: undefined });
  const answer = await send({ "accept-encoding": encoding }, LARGE);
  expect(answer).toMatchObject({
    status: 200,
    encoding,
    vary: expect.stringMatching(/accept-encoding/i) as string,
  });
  expect(decompress(answer.body).equals(plain.body)).toBe(true);
  expect(answer.body.length).toBeLessThan(plain.body.length / 3);
});

test("a small answer stays as it is", async () => {
  const small = JSON.stringify({ query: "{ me { id } }" });
  const answer = await send({ "accept-encoding": "br, gzip" }, small);
  expect(answer.encoding).toBeUndefined();
  expect(answer.body.toString()).toBe('{"data":{"me":null}}\n');
});

test("the schema is compressed, too", async () => {
  const response = await fetch(`${shared().url}/schema.graphql`);
  expect(response.headers.get("content-encoding")).toBe("gzip");
  expect(await response.text()).toContain("type Mutation {");
});

test("a compressed request is refused: a small one could become a large one", async () => {
  const body = gzipSync(JSON.stringify({ query: "{ me { id } }" }));
  const answer = await send({ "content-encoding": "gzip" }, body);
  expect(answer.status).toBe(415);
});
