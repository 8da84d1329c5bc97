import type { OperationDeps } from "./deps.ts";
import { pipeline } from "./engine/pipeline.ts";
import { locateVm, type VmInput } from "./steps/locate-vm.ts";
import {
  notePid,
  rebootVm as rebootStep,
  resetVm as resetStep,
  resumeVm as resumeStep,
  shutdownVm as shutdownStep,
  stopVm as stopStep,
  suspendVm as suspendStep,
} from "./steps/power-commands.ts";
import { startVm as startStep } from "./steps/start-vm.ts";
import { waitForSsh } from "./steps/wait-for-banner.ts";

/** Starts a VM and waits until its SSH server answers. */
export const startVm = pipeline<OperationDeps, VmInput>("start-vm", "VM start")
  .step("locate-vm", "finding VM", locateVm)
  .step("start-vm", "starting VM", startStep)
  .step("wait-for-ssh", "waiting for SSH", waitForSsh);

/** Ends a VM at once. */
export const stopVm = pipeline<OperationDeps, VmInput>("stop-vm", "VM stop")
  .step("locate-vm", "finding VM", locateVm)
  .step("stop-vm", "stopping VM", stopStep);

/** Asks the guest to shut down. */
export const shutdownVm = pipeline<OperationDeps, VmInput & { readonly timeoutS: number; readonly force: boolean }>(
  "shutdown-vm",
  "VM shutdown",
)
  .step("locate-vm", "finding VM", locateVm)
  .step("shutdown-vm", "shutting down VM", shutdownStep);

/** Shuts down, starts again, and waits until the SSH server answers. */
export const rebootVm = pipeline<OperationDeps, VmInput & { readonly timeoutS: number }>("reboot-vm", "VM reboot")
  .step("locate-vm", "finding VM", locateVm)
  .step("note-pid", "finding VM", notePid)
  .step("reboot-vm", "rebooting VM", rebootStep)
  .step("wait-for-ssh", "waiting for SSH", waitForSsh);

/** Resets a running VM. */
export const resetVm = pipeline<OperationDeps, VmInput>("reset-vm", "VM reset")
  .step("locate-vm", "finding VM", locateVm)
  .step("reset-vm", "resetting VM", resetStep);

/** Halts a VM's CPUs. */
export const suspendVm = pipeline<OperationDeps, VmInput>("suspend-vm", "VM suspension")
  .step("locate-vm", "finding VM", locateVm)
  .step("suspend-vm", "suspending VM", suspendStep);

/** Lets a paused VM run on. */
export const resumeVm = pipeline<OperationDeps, VmInput>("resume-vm", "VM resumption")
  .step("locate-vm", "finding VM", locateVm)
  .step("resume-vm", "resuming VM", resumeStep);
