// The network of an IP address: limits count networks, because whoever has one IPv6 address has 2^64 of them (RFC 6177). And where a
// server listens, in words.
import ipaddr from "ipaddr.js";

const NETWORK_BYTES = 8;

/** An IPv4 address itself, in IPv6 too; of an IPv6 address the first 64 bits, such as `2001:db8:0:1::/64`. */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address); // ::ffff:192.0.2.1 is 192.0.2.1
  if (parsed.kind() === "ipv4") return parsed.toString();
  const network = [
    ...parsed.toByteArray().slice(0, NETWORK_BYTES),
    ...new Array<number>(NETWORK_BYTES).fill(0),
  ];
  return `${ipaddr.fromByteArray(network).toString()}/64`;
}

/** The address that a browser on this machine can open. */
export function serverUrl(host: string, port: number): string {
  const name = host === "0.0.0.0" || host === "::" ? "localhost" : host.includes(":") ? `[${host}]` : host;
  return `http://${name}:${port}`;
}

/** @param variable that the port was set by */
export function listenError(
  error: NodeJS.ErrnoException,
  host: string,
  port: number,
  variable: "PORT" | "METRICS_PORT",
): Error {
  if (error.code === "EADDRINUSE") {
    return new Error(
      `Port ${port} on ${host} is in use by another program: stop that one, or give this one another ${variable}.`,
    );
  }
  return new Error(`The server cannot listen on ${host}:${port}: ${error.message}.`);
}
