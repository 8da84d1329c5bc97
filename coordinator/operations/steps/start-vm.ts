import type { OperationDeps } from "../deps.ts";
import { nothingToUndo, type Step } from "../engine/step.ts";
import { runOnNode, waitToShow } from "./run-on-node.ts";

/** The process of a VM that runs. */
export interface StartedVm {
  readonly pid: number;
}

/** Starts a VM on the node where it is. One that runs already stays. */
export const startVm: Step<OperationDeps, { readonly vmid: number; readonly node: string }, StartedVm> = {
  run: async (deps, { vmid, node }, io) => {
    const outcome = await runOnNode(deps, node, { type: "start-vm", vmid }, io, { label: `start-${vmid}` });
    await waitToShow(deps, () => deps.cluster.guest(vmid)?.state === "running", io);
    io.result(outcome.notNeeded === "" ? "VM started successfully" : "VM runs already");
    return { pid: outcome.guest?.pid ?? 0 };
  },
  undo: nothingToUndo("a VM that was asked to run may run; an install's create-vm removes it"),
};
