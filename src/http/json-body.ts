// Accepts only JSON in UTF-8 as a request body. Fastify's own parser ignores the charset and replaces invalid UTF-8, so
// that two different passwords could become the same.
import type { FastifyInstance } from "fastify";

const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]+)/i;

class UnsupportedMediaType extends Error {
  readonly statusCode = 415;
}

class BadRequest extends Error {
  readonly statusCode = 400;
}

export function acceptJsonOnly(http: FastifyInstance): void {
  const parseJson = http.getDefaultJsonParser("error", "error");
  const utf8 = new TextDecoder("utf-8", { fatal: true });
  http.removeAllContentTypeParsers();
  http.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) => {
    const charset = CHARSET.exec(request.headers["content-type"] ?? "")?.[1] ?? "utf-8";
    const encoding = request.headers["content-encoding"] ?? "identity";
    if (!/^utf-?8$/i.test(charset)) {
      done(new UnsupportedMediaType(`The charset ${charset} is not supported. Send utf-8.`));
    } else if (encoding !== "identity") {
      done(
        new UnsupportedMediaType(
          `The Content-Encoding ${encoding} is not supported. Send the body without encoding.`,
        ),
      );
    } else {
      try {
        void parseJson(request, utf8.decode(body as Buffer), done);
      } catch {
        done(new BadRequest("The request body is not valid UTF-8."));
      }
    }
  });
}
