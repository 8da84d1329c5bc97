import type { Guest } from "./guest.ts";

/** What an agent says of its node, apart from the guests. */
export interface NodeFacts {
  readonly node: string;
  readonly agentVersion: string;
  readonly bootId: string;
  readonly pveVersion: string;
  readonly clusterName: string;
  /** Whether /etc/pve can be written. */
  readonly quorate: boolean;
  readonly members: readonly ClusterMember[];
  readonly cpu: NodeCpu;
  readonly storages: readonly Storage[];
  readonly bridges: readonly string[];
  readonly images: readonly CachedImage[];
}

export interface ClusterMember {
  readonly name: string;
  readonly online: boolean;
  readonly address: string;
}

export interface NodeCpu {
  readonly model: string;
  /** Linux's names, sorted. */
  readonly flags: readonly string[];
  readonly coreCount: number;
}

export interface NodeUsage {
  readonly cpuRatio: number;
  readonly memoryBytes: number;
  readonly memoryUsedBytes: number;
  readonly uptimeS: number;
}

export interface Storage {
  readonly name: string;
  readonly type: string;
  readonly shared: boolean;
  readonly active: boolean;
  readonly content: readonly string[];
  readonly totalBytes: number;
  readonly usedBytes: number;
  readonly availableBytes: number;
}

export interface CachedImage {
  readonly imageId: string;
  readonly url: string;
  readonly sizeBytes: number;
  readonly checksumAlgorithm: string;
  readonly checksum: string;
  readonly verifyTime: Date;
}

/** Everything an agent says of its node. */
export interface NodeState {
  readonly facts: NodeFacts;
  readonly usage: NodeUsage;
  readonly guests: readonly Guest[];
}

/** What changed. Absent: it did not. */
export interface NodeDelta {
  readonly facts?: NodeFacts;
  readonly usage?: NodeUsage;
  readonly changedGuests: readonly Guest[];
  readonly removedVmids: readonly number[];
}

/** The coordinator's connection to a node's agent. `no-agent`: a node of the cluster that none is configured for. */
export interface Link {
  readonly state: "connected" | "disconnected" | "no-agent";
  /** Absent: never. */
  readonly lastSeen?: Date;
  /** Why it does not answer. Empty while it does. */
  readonly reason: string;
}

/** A node of the cluster with everything that is known of it. */
export interface KnownNode {
  readonly name: string;
  readonly link: Link;
  /** Absent: the node was never seen. What was last heard, when the link is down. */
  readonly facts?: NodeFacts;
  readonly usage?: NodeUsage;
  readonly guests: readonly Guest[];
}
