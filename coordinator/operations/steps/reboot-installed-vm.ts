import type { OperationDeps } from "../deps.ts";
import { nothingToUndo, type Step } from "../engine/step.ts";
import { readBootId, waitForLogin } from "./guest-login.ts";
import { runOnNode } from "./run-on-node.ts";
import type { StartedVm } from "./start-vm.ts";
import { type InstallLogin, installTarget, type ReadyGuest } from "./wait-for-guest.ts";

const shutdownTimeoutS = 120;

/**
 * Takes the install's key out of the VM's configuration and reboots, so that the VM comes up as it will stay. Only
 * another boot id than before proves the reboot.
 */
export const rebootInstalledVm: Step<OperationDeps, InstallLogin & ReadyGuest & StartedVm, object> = {
  run: async (deps, have, io) => {
    const { vmid, node, sshPublicKeys, pid, bootId } = have;
    await runOnNode(deps, node, { type: "set-vm", vmid, sshPublicKeys }, io, { label: `keys-${vmid}` });
    const reboot = { type: "reboot-vm" as const, vmid, timeoutS: shutdownTimeoutS, fromPid: pid };
    await runOnNode(deps, node, reboot, io, { label: `reboot-${vmid}` });
    io.notice("info", "VM rebooting");
    const target = installTarget(deps, have, have.hostKey);
    const session = await waitForLogin(
      deps,
      target,
      io,
      async (open) => (await readBootId(open, io.signal)) !== bootId,
    );
    session.close();
    io.result("VM rebooted: its boot id has changed");
    return {};
  },
  undo: nothingToUndo("create-vm's undo removes the guest"),
};
