import { createSocket } from "node:dgram";
import { readFile } from "node:fs/promises";
import { BlockList, connect } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** What a probe found. */
export interface ProbeResult {
  readonly inUse: boolean;
  /** False when nobody could be asked. */
  readonly conclusive: boolean;
  /** One sentence. */
  readonly evidence: string;
}

const discardPort = 9;
const arpPollMs = 50;
/** A complete entry of /proc/net/arp. */
const arpComplete = 0x2;

/**
 * Asks by ARP who has an address, which finds whatever is up, firewalled or not. No raw socket is needed: a datagram
 * makes the kernel ask, and /proc/net/arp tells the answer.
 */
export async function probeByArp(proc: string, address: string, timeoutMs: number): Promise<ProbeResult> {
  const own = ownNetworks().find(({ network }) => network.check(address));
  if (!own)
    return { inUse: false, conclusive: false, evidence: `this node has no interface in the network of ${address}` };
  if (own.address === address) return { inUse: true, conclusive: true, evidence: `${address} is this node's own` };
  const socket = createSocket("udp4").on("error", () => {}); // nobody there: the table tells
  const deadline = performance.now() + timeoutMs;
  try {
    socket.send("", discardPort, address);
    for (;;) {
      const mac = findArpEntry(await readFile(join(proc, "net/arp"), "utf8"), address);
      if (mac !== undefined) return { inUse: true, conclusive: true, evidence: `${mac} answered ARP for ${address}` };
      if (performance.now() >= deadline)
        return { inUse: false, conclusive: true, evidence: `nobody answered ARP for ${address}` };
      await sleep(arpPollMs);
    }
  } finally {
    socket.close();
  }
}

/** The hardware address that answered for an address; undefined while nobody has. */
export function findArpEntry(table: string, address: string): string | undefined {
  for (const line of table.split("\n").slice(1)) {
    const [ip, , flags, mac] = line.trim().split(/\s+/);
    if (ip === address && (Number(flags) & arpComplete) !== 0) return mac?.toUpperCase();
  }
  return undefined;
}

/**
 * Asks by a TCP connection. On a network a refused one means that somebody is there; on loopback, where every address
 * is this machine's, it means that nobody is.
 */
export function probeByTcp(address: string, port: number, timeoutMs: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const end = (inUse: boolean, evidence: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ inUse, conclusive: true, evidence });
    };
    const timer = setTimeout(() => end(false, `${address}:${port} did not answer`), timeoutMs);
    socket.on("connect", () => end(true, `${address}:${port} accepts connections`));
    socket.on("error", ({ code }: NodeJS.ErrnoException) => {
      const refused = code === "ECONNREFUSED" && !address.startsWith("127.");
      end(refused, refused ? `${address} refused a connection` : `${address}:${port}: ${code ?? "error"}`);
    });
  });
}

function ownNetworks(): readonly { readonly address: string; readonly network: BlockList }[] {
  return Object.values(networkInterfaces()).flatMap((entries) =>
    (entries ?? []).flatMap(({ family, address, cidr }) => {
      const prefix = Number(cidr?.split("/")[1]);
      if (family !== "IPv4" || !Number.isInteger(prefix)) return [];
      const network = new BlockList();
      network.addSubnet(address, prefix);
      return { address, network };
    }),
  );
}
