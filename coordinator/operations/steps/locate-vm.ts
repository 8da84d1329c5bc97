import type { OperationDeps } from "../deps.ts";
import { nothingToUndo, type Step } from "../engine/step.ts";
import { waitForLink } from "./run-on-node.ts";

/** What operations on a VM start with. */
export interface VmInput {
  readonly cluster: string;
  readonly vmid: number;
}

/** Finds the node that the VM is on when the operation's turn comes: it may have moved while it waited. */
export const locateVm: Step<OperationDeps, VmInput, { readonly node: string }> = {
  run: async (deps, { vmid }, io) => {
    const { node, config } = deps.cluster.requireVm(vmid);
    await waitForLink(deps, node, io, io.signal);
    const found = deps.cluster.requireVm(vmid);
    io.about({ vmid, node: found.node });
    io.result(`VM ${vmid}${config.name === "" ? "" : ` (${config.name})`} is on node ${found.node}`);
    return { node: found.node };
  },
  undo: nothingToUndo("it only looks"),
};
