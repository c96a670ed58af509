// The last moment of a server that a proxy still sends connections to.
import { Server } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** Enough to accept and read what has come so far, on a busy machine. */
const ACCEPTED_WITHIN_MS = 200;

/** Node's own handle of a listening socket, which has no public API. */
interface WithHandle {
  readonly _handle?: { listen?: (backlog: number) => number } | null;
}

/**
 * Stops listening, and reads what has been accepted. The kernel completes connections by itself and keeps them in a queue. Closing the socket
 * resets those that are still in it, with a request already sent, which a proxy does not send again. So the queue is closed first, and
 * the socket in the very moment in which it has been emptied.
 */
export async function stopAccepting(server: Server): Promise<void> {
  (server as unknown as WithHandle)._handle?.listen?.(0);
  await delay(ACCEPTED_WITHIN_MS);
  // Not HTTP's own, which also ends connections that have not sent their request yet.
  const close = () => void Server.prototype.close.call(server);
  server.prependOnceListener("connection", close);
  await delay(ACCEPTED_WITHIN_MS);
  if (server.listening) close();
  await delay(ACCEPTED_WITHIN_MS);
}
