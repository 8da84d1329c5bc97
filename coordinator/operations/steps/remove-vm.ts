import type { OperationDeps } from "../deps.ts";
import type { StepIo } from "../engine/step.ts";
import { runOnNode, waitToShow } from "./run-on-node.ts";

/**
 * Removes the VM that an operation made, wherever it is now, and nothing else: only a VM that carries the operation's id
 * as its UUID. Safe when there is none.
 */
export async function removeOwnVm(deps: OperationDeps, io: StepIo): Promise<void> {
  const leases = (await deps.store.listLeases(deps.settings.cluster)).filter(
    ({ operationId }) => operationId === io.operationId,
  );
  for (const { vmid, node } of leases) {
    const guest = deps.cluster.guest(vmid);
    // What the inventory does not show yet may be on the node of the lease, half made.
    const where = guest?.config.smbiosUuid === io.operationId ? guest.node : node;
    const label = (what: string) => `undo-${what}-${vmid}-${io.attempt}`;
    if (guest && guest.config.smbiosUuid === io.operationId && guest.state !== "stopped")
      await runOnNode(deps, where, { type: "stop-vm", vmid, overruleShutdown: true, skipLock: true }, io, {
        label: label("stop"),
      });
    const destroy = { type: "destroy-vm" as const, vmid, onlySmbiosUuid: io.operationId, skipLock: true };
    await runOnNode(deps, where, destroy, io, { label: label("destroy") });
    await waitToShow(deps, () => deps.cluster.guest(vmid)?.config.smbiosUuid !== io.operationId, io);
  }
}
