import type { OperationDeps } from "../deps.ts";
import { nothingToUndo, type Step } from "../engine/step.ts";

/** Says that nothing is to be migrated: the VM was made where it belongs. Clients of old wait for this phase. */
export const placeVmStep: Step<OperationDeps, { readonly vmid: number; readonly node: string }, object> = {
  run: async (_deps, { vmid, node }, io) => {
    io.result(`VM ${vmid} was created on node ${node}: nothing to migrate`);
    return {};
  },
  undo: nothingToUndo("nothing was done"),
};
