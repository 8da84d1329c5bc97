import { firstAddress } from "../../domain/guest.ts";
import type { OperationDeps } from "../deps.ts";
import { nothingToUndo, type Step } from "../engine/step.ts";
import { waitForBanner } from "./guest-login.ts";

/** Waits until the guest's SSH server answers. A guest without a configured address cannot be asked. */
export const waitForSsh: Step<OperationDeps, { readonly vmid: number; readonly node: string }, object> = {
  run: async (deps, { vmid, node }, io) => {
    const address = firstAddress(deps.cluster.requireVm(vmid).config);
    if (address === undefined) {
      io.result("VM runs; it has no configured address, so its SSH server is not waited for");
      return {};
    }
    await waitForBanner(deps, vmid, node, io);
    io.result("VM is ready: SSH answers", { address });
    return {};
  },
  undo: nothingToUndo("it only waits"),
};
