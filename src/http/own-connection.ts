// Tells connections of the person who runs the server from all others.
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";

import { isLoopback } from "./client-address.ts";

const ROOT = 0;

/**
 * Whether a connection comes from this machine and, as far as Linux tells, from a program of the user who runs the server
 * or of root. A reverse proxy also connects from this machine, but runs as another user.
 */
export async function isOwnConnection({ remoteAddress, remotePort, localPort }: Socket): Promise<boolean> {
  if (remoteAddress === undefined || !isLoopback(remoteAddress)) return false;
  const own = process.getuid?.();
  const users = await usersOfSockets(remotePort ?? 0, localPort ?? 0);
  return users.every((user) => user === own || user === ROOT);
}

/** The users whose sockets connect these two ports (proc_net_tcp(5)); none if the system does not tell. */
async function usersOfSockets(from: number, to: number): Promise<number[]> {
  const tables = await Promise.all(
    ["tcp", "tcp6"].map((table) => readFile(`/proc/net/${table}`, "latin1").catch(() => "")),
  );
  const inHex = (port: number) => `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return tables
    .flatMap((table) => table.split("\n"))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, remote]) => local?.endsWith(inHex(from)) && remote?.endsWith(inHex(to)))
    .map((columns) => Number(columns[7]));
}
