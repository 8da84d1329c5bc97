import { BlockList, isIP } from "node:net";

/** Who may call: addresses and networks, judged on the connection itself. */
export class AccessList {
  readonly #allowed = new BlockList();
  readonly #trustedProxies = new BlockList();
  readonly #all: boolean;

  /** Entries are addresses or networks in CIDR notation; `0.0.0.0` allows everybody, as go-pve-qemu documents it. */
  constructor(allow: readonly string[], trustedProxies: readonly string[]) {
    this.#all = allow.includes("0.0.0.0");
    for (const entry of allow) add(this.#allowed, entry);
    for (const entry of trustedProxies) add(this.#trustedProxies, entry);
  }

  /** Whether a caller may. Forwarded headers count only when they come from a proxy that is configured as trusted. */
  allows(peer: string | undefined, forwardedFor: string | undefined): boolean {
    if (this.#all) return true;
    const address = plain(peer ?? "");
    if (!has(this.#trustedProxies, address) || forwardedFor === undefined) return has(this.#allowed, address);
    // The proxy appends whom it saw: the last entry that is no proxy of ours is the caller.
    const hops = forwardedFor.split(",").map((hop) => plain(hop.trim()));
    const caller = hops.findLast((hop) => !has(this.#trustedProxies, hop));
    return caller !== undefined && has(this.#allowed, caller);
  }
}

/** Whether a text is an address or a network. */
export function isAddressOrNetwork(text: string): boolean {
  const [address = "", prefix, ...rest] = text.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  if (prefix === undefined) return true;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128);
}

function add(list: BlockList, entry: string): void {
  const [address = "", prefix] = entry.split("/");
  const type = isIP(address) === 6 ? "ipv6" : "ipv4";
  if (prefix === undefined) list.addAddress(address, type);
  else list.addSubnet(address, Number(prefix), type);
}

function has(list: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && list.check(address, version === 6 ? "ipv6" : "ipv4");
}

/** An IPv4 caller on a socket of both versions shows as `::ffff:192.0.2.1`. */
const plain = (address: string) => address.replace(/^::ffff:(?=\d+\.)/i, "");
