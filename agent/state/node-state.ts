import type { CpuInfo } from "../host/cpu-info.ts";
import type { StorageStatus } from "../host/storage-status.ts";
import type { HostUsage } from "../host/usage.ts";
import type { CachedImage } from "../images/cached-image.ts";
import type { Guest } from "../pve/guest.ts";
import type { Member } from "../pve/members.ts";

/** What seldom changes about a node; sent whole when any of it did. */
export interface NodeFacts {
  readonly node: string;
  readonly agentVersion: string;
  readonly bootId: string;
  readonly pveVersion: string;
  readonly clusterName: string;
  readonly quorate: boolean;
  readonly members: readonly Member[];
  readonly cpu: CpuInfo;
  readonly storages: readonly StorageStatus[];
  readonly bridges: readonly string[];
  readonly images: readonly CachedImage[];
}

/** Everything the agent says about its node. */
export interface NodeState {
  readonly facts: NodeFacts;
  readonly usage: HostUsage;
  readonly guests: ReadonlyMap<number, Guest>;
}

/** What changed between two states. Absent: it did not. */
export interface NodeDelta {
  readonly facts?: NodeFacts;
  readonly usage?: HostUsage;
  readonly changedGuests: readonly Guest[];
  readonly removedVmids: readonly number[];
}

/** Compares two states; undefined when nothing changed. */
export function diffStates(before: NodeState, now: NodeState): NodeDelta | undefined {
  const changedGuests = [...now.guests.values()].filter((guest) => !same(before.guests.get(guest.vmid), guest));
  const removedVmids = [...before.guests.keys()].filter((vmid) => !now.guests.has(vmid));
  const factsChanged = !same(before.facts, now.facts);
  const usageChanged = !same(before.usage, now.usage);
  if (changedGuests.length === 0 && removedVmids.length === 0 && !factsChanged && !usageChanged) return undefined;
  return {
    changedGuests,
    removedVmids,
    ...(factsChanged ? { facts: now.facts } : {}),
    ...(usageChanged ? { usage: now.usage } : {}),
  };
}

/** Parts that were not read again are the same objects, so most comparisons end at once. */
function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
