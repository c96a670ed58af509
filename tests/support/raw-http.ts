// HTTP as bytes over sockets: it sends what no client sends, and costs little enough for a million inputs.
import { connect, type Socket } from "node:net";

export interface RawAnswer {
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

const PATIENCE_MS = 45_000;
const WHILE_MS = 300;

/** Sends requests to one server, each on a connection that no other request has at that time. */
export class RawClient {
  readonly #port: number;
  readonly #hostname: string;
  readonly #idle: Socket[] = [];

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#hostname = hostname;
    this.#port = Number(port);
  }

  /** Sends one request that is framed well, and keeps the connection. */
  async send(request: Buffer): Promise<RawAnswer> {
    const socket = this.#idle.shift() ?? this.#connect(); // in turn, or the server would close those that come last
    const isHead = request.subarray(0, 5).toString() === "HEAD ";
    const answer = await new Promise<RawAnswer>((resolve, reject) => {
      let received: Buffer = Buffer.alloc(0);
      const onData = (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        const read = readAnswer(received, isHead);
        if (read) end(() => resolve(read.answer));
      };
      const onClose = () => end(() => reject(new Error("the server hung up without an answer")));
      const onTimeout = () => end(() => reject(new Error("the server did not answer")));
      const end = (settle: () => void) => {
        socket.off("data", onData).off("close", onClose).off("timeout", onTimeout);
        settle();
      };
      socket.on("data", onData).on("close", onClose).on("timeout", onTimeout).write(request);
    });
    const isKept = answer.headers.get("connection") !== "close" && !isEndless(answer);
    if (isKept) this.#idle.push(socket);
    else socket.destroy();
    return answer;
  }

  /**
   * Sends bytes on a connection of their own. Says that no more will come after the first answer, or if there is none for a while,
   * because the server waits for more. Resolves with all that comes back.
   */
  async exchange(bytes: Buffer): Promise<RawAnswer[]> {
    const isHead = bytes.subarray(0, 5).toString() === "HEAD ";
    const answer = await new Promise<Buffer>((resolve, reject) => {
      const socket = this.#connect();
      let received: Buffer = Buffer.alloc(0);
      // Node gives up a request that is not answered yet when its client says so.
      const patience = setTimeout(() => socket.end(), WHILE_MS);
      socket.on("data", (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        const read = readAnswer(received, isHead);
        if (read && isEndless(read.answer)) socket.destroy();
        else if (read) socket.end();
      });
      socket.once("close", () => {
        clearTimeout(patience);
        resolve(received);
      });
      socket.once("timeout", () => reject(new Error("the server neither answered nor hung up")));
      socket.write(bytes);
    });
    return answersIn(answer, isHead);
  }

  close(): void {
    for (const socket of this.#idle) socket.destroy();
    this.#idle.length = 0;
  }

  #connect(): Socket {
    const socket = connect({ port: this.#port, host: this.#hostname, noDelay: true });
    // The server may hang up while the rest is still being sent, or between two requests.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      const place = this.#idle.indexOf(socket);
      if (place >= 0) this.#idle.splice(place, 1);
    });
    return socket.setTimeout(PATIENCE_MS);
  }
}

/** An event stream goes on until its reader hangs up. */
function isEndless({ headers }: RawAnswer): boolean {
  return headers.get("content-type") === "text/event-stream";
}

/** All answers in what came back until the end. */
function answersIn(bytes: Buffer, isHead: boolean): RawAnswer[] {
  const answers: RawAnswer[] = [];
  // The server may have announced an answer when this client gave it up.
  const isAnnouncement = /^HTTP\/1\.1 1\d\d [^\r\n]*\r\n\r\n$/;
  for (let rest = bytes; rest.length > 0 && !isAnnouncement.test(rest.toString("latin1"));) {
    const read = readAnswer(rest, isHead && answers.length === 0);
    if (read === null) throw new Error(`this is no whole answer: ${rest.toString("latin1").slice(0, 500)}`);
    answers.push(read.answer);
    rest = rest.subarray(read.length);
  }
  return answers;
}

/**
 * The first answer but those that announce another (1xx), and how many bytes were read; null if it is not whole yet, or does not say
 * where it ends.
 */
function readAnswer(bytes: Buffer, isHead: boolean): { answer: RawAnswer; length: number } | null {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [line = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1] ?? NaN);
  if (!(status >= 100 && status <= 599)) return null;
  const start = end + 4;
  if (status < 200) {
    const next = readAnswer(bytes.subarray(start), isHead);
    return next && { ...next, length: start + next.length };
  }
  const headers = new Map(
    lines.map((each) => {
      const colon = each.indexOf(":");
      return [each.slice(0, colon).toLowerCase(), each.slice(colon + 1).trim()] as const;
    }),
  );
  const answered = (text: string, length: number) => ({ answer: { status, headers, text }, length });
  // What follows a HEAD may be no request; its refusal has a body, and may come first.
  const hasBody = isHead && bytes.length > start && bytes[start] !== "H".charCodeAt(0);
  if ((isHead && !hasBody) || status === 204 || status === 304) return answered("", start);
  if (headers.get("content-type") === "text/event-stream") return answered("", bytes.length);
  if (headers.get("transfer-encoding") === "chunked") return chunksOf(bytes, start, answered);
  const length = Number(headers.get("content-length") ?? NaN);
  if (!(bytes.length >= start + length)) return null;
  return answered(bytes.toString("utf8", start, start + length), start + length);
}

function chunksOf<Result>(
  bytes: Buffer,
  start: number,
  answered: (text: string, length: number) => Result,
): Result | null {
  const parts: Buffer[] = [];
  for (let at = start; ;) {
    const end = bytes.indexOf("\r\n", at);
    if (end < 0) return null;
    const size = parseInt(bytes.toString("latin1", at, end), 16);
    const next = end + 2 + size + 2;
    if (bytes.length < next) return null;
    if (size === 0) return answered(Buffer.concat(parts).toString(), next);
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    at = next;
  }
}
