import { DomainError } from "../../domain/errors.ts";
import type { NodeCommand } from "../../ports/node-client.ts";
import type { OperationDeps } from "../deps.ts";
import { nothingToUndo, type Step, type StepIo } from "../engine/step.ts";
import { runOnNode, waitToShow } from "./run-on-node.ts";

type Located = { readonly vmid: number; readonly node: string };
const cannotBeTakenBack = nothingToUndo("what was done to the guest's power cannot be taken back");

/** Ends a VM at once. */
export const stopVm: Step<OperationDeps, Located, object> = {
  run: async (deps, { vmid, node }, io) => {
    const command = { type: "stop-vm" as const, vmid, overruleShutdown: true, skipLock: false };
    const notNeeded = await runPower(deps, node, command, io, "stopped");
    io.result(notNeeded ? "VM is stopped already" : "VM stopped");
    return {};
  },
  undo: cannotBeTakenBack,
};

/** Asks the guest to shut down, and ends it when `force` is set and the time is over. */
export const shutdownVm: Step<OperationDeps, Located & { readonly timeoutS: number; readonly force: boolean }, object> =
  {
    run: async (deps, { vmid, node, timeoutS, force }, io) => {
      const notNeeded = await runPower(deps, node, { type: "shutdown-vm", vmid, timeoutS, force }, io, "stopped");
      io.result(notNeeded ? "VM is stopped already" : "VM shut down");
      return {};
    },
    undo: cannotBeTakenBack,
  };

/** Shuts a VM down and starts it again. Another process than before proves it. */
export const rebootVm: Step<OperationDeps, Located & { readonly timeoutS: number; readonly fromPid: number }, object> =
  {
    run: async (deps, { vmid, node, timeoutS, fromPid }, io) => {
      await runPower(deps, node, { type: "reboot-vm", vmid, timeoutS, fromPid }, io, "running");
      io.result("VM rebooted");
      return {};
    },
    undo: cannotBeTakenBack,
  };

/** Remembers the VM's process, so that a reboot that is tried again knows whether it happened. */
export const notePid: Step<OperationDeps, Located, { readonly fromPid: number }> = {
  run: async (deps, { vmid }, io) => {
    const { state, pid } = deps.cluster.requireVm(vmid);
    if (state === "stopped") throw notRunning(vmid);
    io.result(`VM runs with process ${pid}`);
    return { fromPid: pid };
  },
  undo: nothingToUndo("it only looks"),
};

/** Resets a running VM. */
export const resetVm: Step<OperationDeps, Located, object> = {
  run: async (deps, { vmid, node }, io) => {
    await runOnNode(deps, node, { type: "reset-vm", vmid }, io, { label: `reset-${vmid}` });
    io.result("VM reset");
    return {};
  },
  undo: cannotBeTakenBack,
};

/** Halts a VM's CPUs. */
export const suspendVm: Step<OperationDeps, Located, object> = {
  run: async (deps, { vmid, node }, io) => {
    const notNeeded = await runPower(deps, node, { type: "suspend-vm", vmid }, io, "paused");
    io.result(notNeeded ? "VM is paused already" : "VM paused");
    return {};
  },
  undo: cannotBeTakenBack,
};

/** Lets a paused VM run on. */
export const resumeVm: Step<OperationDeps, Located, object> = {
  run: async (deps, { vmid, node }, io) => {
    const notNeeded = await runPower(deps, node, { type: "resume-vm", vmid }, io, "running");
    io.result(notNeeded ? "VM runs already" : "VM runs on");
    return {};
  },
  undo: cannotBeTakenBack,
};

/** The error for a VM that would have to run. */
export function notRunning(vmid: number): DomainError {
  return new DomainError("conflict", "VM_NOT_RUNNING", `VM ${vmid} does not run`, { vmid: String(vmid) });
}

async function runPower(
  deps: OperationDeps,
  node: string,
  command: NodeCommand,
  io: StepIo,
  state: "running" | "stopped" | "paused",
): Promise<boolean> {
  const { notNeeded } = await runOnNode(deps, node, command, io, { label: `${command.type}-${command.vmid}` });
  await waitToShow(deps, () => deps.cluster.guest(command.vmid)?.state === state, io);
  return notNeeded !== "";
}
