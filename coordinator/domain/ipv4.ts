/** An IPv4 address as a number, or undefined for what is none. */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || parts.some((part) => !/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255))
    return undefined;
  return parts.reduce((value, part) => value * 256 + Number(part), 0);
}

/** The number as an address. */
export function formatIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

/** A network in CIDR notation, taken apart. */
export interface Network {
  /** The first address. */
  readonly base: number;
  readonly prefixLength: number;
  readonly size: number;
}

/** Reads `192.168.0.0/24`. The bits of the host part are dropped. Undefined for what is no network. */
export function parseNetwork(cidr: string): Network | undefined {
  const [address = "", prefix = "", ...rest] = cidr.split("/");
  const value = parseIpv4(address);
  const prefixLength = /^\d{1,2}$/.test(prefix) ? Number(prefix) : 33;
  if (value === undefined || prefixLength > 32 || rest.length > 0) return undefined;
  const size = 2 ** (32 - prefixLength);
  return { base: value - (value % size), prefixLength, size };
}
