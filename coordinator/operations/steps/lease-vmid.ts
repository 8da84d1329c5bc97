import { DomainError } from "../../domain/errors.ts";
import type { InstallInput } from "../../domain/install.ts";
import type { Lease } from "../../ports/store.ts";
import type { OperationDeps } from "../deps.ts";
import { vmKey } from "../engine/run-operation.ts";
import type { Step, StepIo } from "../engine/step.ts";
import { chooseNode, freeCandidates, noneFree, whyVmidNotFree, withoutPrefix } from "./allocation.ts";
import { clientOf, waitForLink } from "./run-on-node.ts";

/** What an install has once its VMID is leased. */
export interface Leased {
  readonly vmid: number;
  /** In CIDR notation. */
  readonly address: string;
  readonly node: string;
  readonly nodeReason: string;
}

/** Finding a free VMID may take this long, as in the seed. */
const timeoutMs = 10_000;

/**
 * Leases a VMID and an address together. The lease is in the store before anybody is asked whether the address is in
 * use, so that no two installs ever try the same one. Keyed by operation: an undo finds it whatever happened.
 */
export const leaseVmid: Step<OperationDeps, InstallInput, Leased> = {
  run: async (deps, input, io) => {
    const leased = await leaseFree(deps, input, io, new Set());
    io.about({ vmid: leased.vmid, node: leased.node, address: leased.address });
    io.notice("info", `node ${leased.node}: ${leased.nodeReason}`);
    io.result(input.requestedVmid > 0 ? `using specified VMID: ${leased.vmid}` : `auto-assigned VMID: ${leased.vmid}`);
    return leased;
  },
  undo: async (deps, _input, io) => {
    for (const lease of await deps.store.listLeases(deps.settings.cluster))
      if (lease.operationId === io.operationId) await releaseIfGone(deps, lease, io);
  },
};

/** Leases the first candidate that nobody uses. VMIDs in `burnt` are left out. */
export async function leaseFree(
  deps: OperationDeps,
  input: InstallInput,
  io: StepIo,
  burnt: Set<number>,
): Promise<Leased> {
  const deadline = deps.clock.elapsedMs() + timeoutMs;
  for (;;) {
    io.signal.throwIfAborted();
    const { lease, nodeReason } = await reserve(deps, input, io, burnt);
    await io.hold(vmKey(deps.settings.cluster, lease.vmid));
    const { vmid, address, node } = lease;
    const usedBy = await probe(deps, lease, io);
    if (usedBy === undefined) return { vmid, address, node, nodeReason };
    burnt.add(vmid);
    await deps.store.releaseLease(lease.cluster, vmid, io.operationId);
    io.notice("info", `VMID ${vmid} is left out: ${usedBy}`);
    const metadata = { vmid: String(vmid), address: withoutPrefix(address) };
    if (input.requestedVmid > 0) throw new DomainError("exists", "ADDRESS_IN_USE", usedBy, metadata);
    if (deps.clock.elapsedMs() > deadline)
      throw new DomainError("busy", "ALLOCATION_TIMEOUT", `no free address was found within ${timeoutMs / 1000} s`);
  }
}

/** Chooses node and candidate and takes the lease, one operation at a time, so that placement sees every lease. */
async function reserve(
  deps: OperationDeps,
  input: InstallInput,
  io: StepIo,
  burnt: ReadonlySet<number>,
): Promise<{ readonly lease: Lease; readonly nodeReason: string }> {
  const { cluster } = deps.settings;
  const release = await io.hold(`allocation:${cluster}`);
  try {
    const leases = await deps.store.listLeases(cluster);
    const mine = leases.find(({ operationId }) => operationId === io.operationId);
    const { node, reason } = chooseNode(deps, input, leases);
    if (mine) return { lease: mine, nodeReason: mine.node === node ? reason : `${mine.node} was chosen before` };
    const taken = input.requestedVmid > 0 ? whyVmidNotFree(deps, input.requestedVmid, leases) : undefined;
    if (taken) throw taken;
    for (const { vmid, address } of freeCandidates(deps, input.requestedVmid, leases)) {
      if (burnt.has(vmid)) continue;
      const { memoryMib, diskSizeBytes } = input.sizes;
      const lease = {
        cluster,
        vmid,
        address,
        node,
        operationId: io.operationId,
        state: "reserved" as const,
        memoryMib,
        diskSizeBytes,
      };
      if (await deps.store.takeLease(lease)) return { lease, nodeReason: reason };
    }
    throw noneFree(deps);
  } finally {
    release();
  }
}

/** Asks from the node whether anybody uses the address; the answer says who, or is undefined. */
async function probe(deps: OperationDeps, { node, address }: Lease, io: StepIo): Promise<string | undefined> {
  const { method, timeoutMs: probeTimeoutMs } = deps.settings.probe;
  if (method === "none") return undefined;
  await waitForLink(deps, node, io, io.signal);
  const { inUse, conclusive, evidence } = await clientOf(deps, node).probeAddress(
    withoutPrefix(address),
    method,
    deps.settings.guestSshPort,
    probeTimeoutMs,
  );
  if (!conclusive) io.notice("warning", `whether ${withoutPrefix(address)} is in use could not be probed: ${evidence}`);
  return inUse ? evidence : undefined;
}

/** Releases a lease unless a VM of this operation still holds the VMID. Create-vm's undo has removed it before. */
async function releaseIfGone(deps: OperationDeps, lease: Lease, io: StepIo): Promise<void> {
  const guest = deps.cluster.guest(lease.vmid);
  if (guest?.config.smbiosUuid === io.operationId)
    throw new DomainError("busy", "VM_STILL_THERE", `VM ${lease.vmid} is still on ${guest.node}`, {
      vmid: String(lease.vmid),
      node: guest.node,
    });
  await deps.store.releaseLease(lease.cluster, lease.vmid, io.operationId);
}
