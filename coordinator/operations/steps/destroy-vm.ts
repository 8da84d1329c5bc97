import { DomainError } from "../../domain/errors.ts";
import type { OperationDeps } from "../deps.ts";
import { nothingToUndo, type Step } from "../engine/step.ts";
import { runOnNode, waitToShow } from "./run-on-node.ts";

/** Removes the VM with all its disks. */
export const destroyVm: Step<OperationDeps, { readonly vmid: number; readonly node: string }, object> = {
  run: async (deps, { vmid, node }, io) => {
    const command = { type: "destroy-vm" as const, vmid, onlySmbiosUuid: "", skipLock: false };
    await runOnNode(deps, node, command, io, { label: `destroy-${vmid}` });
    await waitToShow(deps, () => deps.cluster.guest(vmid) === undefined, io);
    io.result(`VM ${vmid} destroyed with its disks`);
    return {};
  },
  undo: nothingToUndo("a destroyed VM cannot be brought back"),
};

/** Gives VMID and address back, now that the node has proven that the VM is gone. */
export const releaseLease: Step<OperationDeps, { readonly cluster: string; readonly vmid: number }, object> = {
  run: async (deps, { cluster, vmid }, io) => {
    const guest = deps.cluster.guest(vmid);
    if (guest)
      throw new DomainError("conflict", "VM_STILL_THERE", `VM ${vmid} is still on ${guest.node}`, {
        vmid: String(vmid),
        node: guest.node,
      });
    await deps.store.releaseLease(cluster, vmid);
    io.result(`VMID ${vmid} and its address are free`);
    return {};
  },
  undo: nothingToUndo("the VM is gone, so nothing holds them"),
};
