import { DomainError } from "./errors.ts";
import { formatSize, type Sizes } from "./limits.ts";
import type { Link, NodeFacts, NodeUsage } from "./node.ts";

/** What placement knows of a node. */
export interface PlacementNode {
  readonly name: string;
  readonly link: Link;
  readonly facts?: NodeFacts;
  readonly usage?: NodeUsage;
}

/** Memory and disk that were promised to VMs which are not there yet, by node. */
export interface Promised {
  readonly memoryMib: number;
  readonly diskSizeBytes: number;
}

/** A node, and why it was chosen. */
export interface Placement {
  readonly node: string;
  readonly reason: string;
}

interface Candidate {
  readonly name: string;
  readonly score: number;
  readonly fits: boolean;
  readonly words: string;
}

const mib = 2 ** 20;

/**
 * Chooses the node with the most room: memory counts half, CPU and storage a quarter each, all of it as it would be
 * with the VM on it. Nodes that cannot take the VM at all are left out, and the error says why each one was.
 */
export function placeVm(
  nodes: readonly PlacementNode[],
  promised: ReadonlyMap<string, Promised>,
  sizes: Sizes,
  needs: { readonly storage: string; readonly bridge: string },
): Placement {
  const refused: string[] = [];
  const candidates = nodes.flatMap((node) => {
    const why = whyNot(node, sizes, needs);
    if (why !== undefined) refused.push(`${node.name}: ${why}`);
    const { facts, usage } = node;
    return why === undefined && facts && usage
      ? rate(node.name, facts, usage, promised.get(node.name), sizes, needs.storage)
      : [];
  });
  const [best, second] = candidates.toSorted(
    (a, b) => Number(b.fits) - Number(a.fits) || b.score - a.score || a.name.localeCompare(b.name),
  );
  if (!best) {
    const why = refused.join("; ");
    throw new DomainError("no-capacity", "NO_NODE_FITS", `no node can take the VM (${why})`, { why });
  }
  const next = second ? `; next best: ${second.name} with ${second.words}` : "";
  const tight = best.fits ? "" : ", though memory is short on every node";
  return { node: best.name, reason: `${best.name} has the most room: ${best.words}${tight}${next}` };
}

/** Why a node cannot take a VM at all, or undefined. */
export function whyNot(
  { name, link, facts }: PlacementNode,
  { coreCount }: Pick<Sizes, "coreCount">,
  { storage, bridge }: { readonly storage: string; readonly bridge: string },
): string | undefined {
  if (link.state !== "connected" || !facts) return link.reason === "" ? `node ${name} does not answer` : link.reason;
  if (!facts.quorate) return `node ${name} has no quorum`;
  if (facts.cpu.coreCount < coreCount) return `it has ${facts.cpu.coreCount} CPUs, and ${coreCount} cores are wanted`;
  const found = facts.storages.find((candidate) => candidate.name === storage);
  if (!found) return `it has no storage ${storage}`;
  if (!found.active) return `storage ${storage} is not active`;
  if (!found.content.includes("images")) return `storage ${storage} does not take disk images`;
  if (!facts.bridges.includes(bridge)) return `it has no bridge ${bridge}`;
  return undefined;
}

function rate(
  name: string,
  facts: NodeFacts,
  usage: NodeUsage,
  promised: Promised = { memoryMib: 0, diskSizeBytes: 0 },
  sizes: Sizes,
  storageName: string,
): Candidate {
  const storage = facts.storages.find((candidate) => candidate.name === storageName);
  const memoryFree = usage.memoryBytes - usage.memoryUsedBytes - promised.memoryMib * mib;
  const memoryLeft = memoryFree - sizes.memoryMib * mib;
  const diskLeft = (storage?.availableBytes ?? 0) - promised.diskSizeBytes - sizes.diskSizeBytes;
  const ratio = (left: number, total: number) => (total <= 0 ? 0 : left / total);
  const score =
    0.5 * ratio(memoryLeft, usage.memoryBytes) +
    0.25 * (1 - usage.cpuRatio) +
    0.25 * ratio(diskLeft, storage?.totalBytes ?? 0);
  const room = `${formatSize(Math.max(0, Math.round(memoryFree / mib)) * mib)} of memory free`;
  const words = `${room}, CPU ${(usage.cpuRatio * 100).toFixed(0)} % in use, ${gibOf(storage?.availableBytes)} free on ${storageName}`;
  return { name, score, fits: memoryLeft >= 0, words };
}

const gibOf = (bytes = 0) => `${(bytes / 2 ** 30).toFixed(0)} GiB`;
