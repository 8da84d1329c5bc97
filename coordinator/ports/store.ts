import type { NodeFacts } from "../domain/node.ts";
import type { Journal } from "../operations/engine/journal.ts";

/** A VMID and an address that belong to one operation or VM: nobody else gets them. */
export interface Lease {
  readonly cluster: string;
  readonly vmid: number;
  /** In CIDR notation. */
  readonly address: string;
  readonly node: string;
  readonly operationId: string;
  /** `reserved` while the VM is being made, `bound` once it is there. */
  readonly state: "reserved" | "bound";
  readonly memoryMib: number;
  readonly diskSizeBytes: number;
}

/** What is remembered of a node that may not answer after a restart. */
export interface NodeMemory {
  readonly node: string;
  readonly facts: NodeFacts;
  readonly lastSeen: Date;
}

/** Everything that outlives the coordinator. All calls are asynchronous, whatever stands behind them. */
export interface Store extends Journal {
  /** Takes a VMID and an address at once. False when either is leased already. */
  takeLease(lease: Lease): Promise<boolean>;
  bindLease(cluster: string, vmid: number): Promise<void>;
  releaseLease(cluster: string, vmid: number, operationId?: string): Promise<void>;
  listLeases(cluster: string): Promise<readonly Lease[]>;
  rememberNode(memory: NodeMemory): Promise<void>;
  recallNodes(): Promise<readonly NodeMemory[]>;
  close(): Promise<void>;
}
