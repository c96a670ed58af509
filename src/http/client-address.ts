// The IP address that a request came from, and whether that is a trusted proxy's.
import type { IncomingMessage } from "node:http";
import { BlockList, isIP, isIPv4, SocketAddress } from "node:net";

/**
 * Finds the client's IP address: that of the connection or, if it is a trusted proxy's, the last address in X-Forwarded-For
 * that is not a trusted proxy's. What a proxy passes on that is no IP address counts for nothing, and neither does what
 * stands before it; the address of that proxy counts then.
 * @param trustedProxies IP addresses or networks (CIDR)
 */
export function clientAddresses(
  trustedProxies: readonly string[],
): (request: IncomingMessage) => string | null {
  const isTrusted = proxyCheck(trustedProxies);
  return ({ socket, headers }) => {
    let address = canonicalAddress(socket.remoteAddress ?? "");
    const forwarded = headers["x-forwarded-for"]?.toString().split(",") ?? [];
    while (address !== null && forwarded.length > 0 && isTrusted(address)) {
      const claimed = canonicalAddress(withoutPort(forwarded.pop()?.trim() ?? ""));
      if (claimed === null) break;
      address = claimed;
    }
    return address;
  };
}

/** @returns whether an address is a trusted proxy's; that of a connection that has ended is undefined */
export function proxyCheck(trustedProxies: readonly string[]): (address: string | undefined) => boolean {
  const trusted = blockListOf(trustedProxies);
  return (text = "") => {
    const address = canonicalAddress(text);
    return address !== null && trusted.check(address, familyOf(address));
  };
}

/** Whether an address is this machine's own, which no packet from a network can have. */
export function isLoopback(address: string): boolean {
  return LOOPBACK.check(address, familyOf(address));
}

/** In the shortest form, an IPv4 address never as IPv6; null if it is no IP address. */
function canonicalAddress(text: string): string | null {
  if (isIP(text) === 0) return null;
  const [address = ""] = text.split("%", 1); // without the network interface of a link-local address
  const canonical = new SocketAddress({ address, family: familyOf(address) }).address;
  const mapped = canonical.replace(/^::ffff:/, "");
  return isIPv4(mapped) ? mapped : canonical;
}

/** Some proxies add the port: 203.0.113.7:1234 or [2001:db8::1]:1234. */
function withoutPort(text: string): string {
  const [, bracketed, ipv4] = /^(?:\[([^\]]*)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/.exec(text) ?? [];
  return bracketed ?? ipv4 ?? text;
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", bits] = network.split("/");
    const family = familyOf(address);
    list.addSubnet(address, Number(bits ?? (family === "ipv4" ? 32 : 128)), family);
  }
  return list;
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv4(address) ? "ipv4" : "ipv6";
}

const LOOPBACK = blockListOf(["127.0.0.0/8", "::1"]);
