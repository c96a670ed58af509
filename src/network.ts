// The network of an IP address. Limits count networks, because whoever has one IPv6 address has 2^64 of them.

/** An IPv4 address itself; of an IPv6 address the first 64 bits, such as `2001:db8:0:1::/64`. */
export function networkOf(address: string): string {
  const ipv4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (ipv4 !== undefined) return ipv4;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  // "::" stands for as many groups of zeros as are missing.
  const zeros = tail === undefined ? 0 : 8 - groups.length - (tail === "" ? 0 : tail.split(":").length);
  const all = [...groups, ...Array<string>(Math.max(0, zeros)).fill("0"), ...(tail ?? "").split(":")];
  const half = all.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${half.join(":")}::/64`;
}
