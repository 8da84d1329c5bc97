import type { Guest, GuestKind } from "../domain/guest.ts";
import type { KnownNode } from "../domain/node.ts";

/** What the cluster is, as far as it is known now. A node that does not answer never delays a question. */
export interface ClusterView {
  /** All nodes by name. */
  nodes(): readonly KnownNode[];
  node(name: string): KnownNode | undefined;
  /** Every guest once, by VMID. */
  guests(kind?: GuestKind): readonly Guest[];
  /** A guest, wherever it is now. */
  guest(vmid: number): Guest | undefined;
  /** The VM with this VMID, or NOT_FOUND. */
  requireVm(vmid: number): Guest;
  /** Calls `listener` with a node's name whenever something about it changed. The result ends it. */
  subscribe(listener: (name: string) => void): () => void;
  /** Waits until something is so. False when it was not in time. */
  waitFor(condition: () => boolean, timeoutMs: number, signal: AbortSignal): Promise<boolean>;
}
