import { type CpuBaseline, cpuBaseline } from "./cpu-baseline.ts";
import type { KnownNode } from "./node.ts";

/** The CPU baseline of a cluster as it is known now. */
export function clusterBaseline(nodes: readonly KnownNode[]): CpuBaseline {
  return cpuBaseline(
    nodes.map(({ name, link, facts }) => ({
      node: name,
      ...(facts ? { flags: facts.cpu.flags } : {}),
      uncertainBecause: whyUncertain(name, link, facts !== undefined),
    })),
  );
}

function whyUncertain(name: string, link: KnownNode["link"], known: boolean): string {
  if (link.state === "connected") return "";
  if (!known) return `node ${name} was never seen, so its CPU does not count`;
  const since = link.lastSeen ? ` since ${link.lastSeen.toISOString()}` : "";
  return `node ${name} does not answer${since}; the CPU flags that it had count`;
}
