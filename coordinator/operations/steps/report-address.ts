import type { OperationDeps } from "../deps.ts";
import { nothingToUndo, type Step } from "../engine/step.ts";

/** Says which address the lease brought. */
export const reportAddress: Step<OperationDeps, { readonly address: string }, object> = {
  run: async (_deps, { address }, io) => {
    io.result(`assigned IP: ${address}`);
    return {};
  },
  undo: nothingToUndo("the address is part of the lease"),
};
