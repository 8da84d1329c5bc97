import { DomainError } from "../../domain/errors.ts";
import type { Sizes } from "../../domain/limits.ts";
import { type Placement, type Promised, placeVm } from "../../domain/placement.ts";
import { vmidCandidates } from "../../domain/vmid.ts";
import type { Lease } from "../../ports/store.ts";
import type { OperationDeps } from "../deps.ts";

/** What a VM that is to be made asks for. */
export interface Wanted {
  /** 0: the next free one. */
  readonly requestedVmid: number;
  /** Empty: the main node. `auto`: the one with the most room. */
  readonly requestedNode: string;
  readonly sizes: Sizes;
  readonly storage: string;
  readonly bridge: string;
}

/** A VMID with its address on a node: free as far as is known. Nothing is reserved yet. */
export interface Candidate {
  readonly vmid: number;
  /** In CIDR notation. */
  readonly address: string;
}

/** The node for a VM: the one asked for, the main node, or the one that placement finds. */
export function chooseNode(deps: OperationDeps, wanted: Wanted, leases: readonly Lease[]): Placement {
  if (wanted.requestedNode === "")
    return { node: deps.settings.mainNode, reason: `${deps.settings.mainNode} is the main node` };
  if (wanted.requestedNode !== "auto")
    return { node: wanted.requestedNode, reason: `${wanted.requestedNode} was asked for` };
  return placeVm(deps.cluster.nodes(), promisedByNode(leases), wanted.sizes, wanted);
}

/**
 * The free VMIDs in the order in which they are tried, each with its address. Not free is what any guest of the cluster
 * has, VM or container, ours or not, and what is leased; an address is taken when any configuration names it.
 */
export function* freeCandidates(deps: OperationDeps, vmid: number, leases: readonly Lease[]): Generator<Candidate> {
  const guests = deps.cluster.guests();
  const usedVmids = new Set([...guests.map((guest) => guest.vmid), ...leases.map((lease) => lease.vmid)]);
  const configured = guests.flatMap(({ config }) => config.nics.flatMap(({ addresses }) => addresses));
  const usedAddresses = new Set([...configured, ...leases.map(({ address }) => address)].map(withoutPrefix));
  for (const candidate of vmid > 0 ? [vmid] : vmidCandidates(deps.settings.vmids)) {
    const address = deps.addresses.addressOf(candidate);
    if (address === undefined || usedVmids.has(candidate) || usedAddresses.has(withoutPrefix(address))) continue;
    yield { vmid: candidate, address };
  }
}

/** Why a VMID that was asked for cannot be had, as an error; undefined when it can. */
export function whyVmidNotFree(deps: OperationDeps, vmid: number, leases: readonly Lease[]): DomainError | undefined {
  const guest = deps.cluster.guest(vmid);
  const text = String(vmid);
  if (guest) {
    const what = guest.kind === "vm" ? "VM" : "container";
    return new DomainError("exists", "VMID_TAKEN", `VMID ${text} is taken by a ${what} on ${guest.node}`, {
      vmid: text,
      node: guest.node,
    });
  }
  const lease = leases.find((candidate) => candidate.vmid === vmid);
  if (lease)
    return new DomainError("exists", "VMID_LEASED", `VMID ${text} is leased to operation ${lease.operationId}`, {
      vmid: text,
      operationId: lease.operationId,
    });
  const address = deps.addresses.addressOf(vmid);
  const holder =
    address === undefined
      ? undefined
      : deps.cluster
          .guests()
          .find(({ config }) =>
            config.nics.some((nic) => nic.addresses.map(withoutPrefix).includes(withoutPrefix(address))),
          );
  if (address === undefined || !holder) return undefined;
  return new DomainError(
    "exists",
    "ADDRESS_TAKEN",
    `the address ${withoutPrefix(address)} of VMID ${text} belongs to guest ${holder.vmid}`,
    { vmid: text, address: withoutPrefix(address), holder: String(holder.vmid) },
  );
}

/** The error for a range without a free VMID. */
export function noneFree({ settings, addresses }: OperationDeps): DomainError {
  const { start, end } = settings.vmids;
  const range = `${start} to ${end}`;
  return new DomainError(
    "no-capacity",
    "NO_FREE_VMID",
    `no VMID of ${range} is free together with its address (${addresses.description})`,
    { range },
  );
}

/** What leases that are not VMs yet will take, by node. */
function promisedByNode(leases: readonly Lease[]): ReadonlyMap<string, Promised> {
  const promised = new Map<string, Promised>();
  for (const { node, state, memoryMib, diskSizeBytes } of leases) {
    if (state !== "reserved") continue;
    const before = promised.get(node) ?? { memoryMib: 0, diskSizeBytes: 0 };
    promised.set(node, {
      memoryMib: before.memoryMib + memoryMib,
      diskSizeBytes: before.diskSizeBytes + diskSizeBytes,
    });
  }
  return promised;
}

/** An address alone. */
export function withoutPrefix(address: string): string {
  return address.split("/")[0] ?? address;
}
