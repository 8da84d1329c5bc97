import type { OperationDeps } from "./deps.ts";
import { pipeline } from "./engine/pipeline.ts";
import { destroyVm as destroyStep, releaseLease } from "./steps/destroy-vm.ts";
import { locateVm, type VmInput } from "./steps/locate-vm.ts";
import { stopVm } from "./steps/power-commands.ts";

/** Stops a VM, removes it with its disks, and gives its VMID and address back. */
export const destroyVm = pipeline<OperationDeps, VmInput>("destroy-vm", "VM destruction")
  .step("locate-vm", "finding VM", locateVm)
  .step("stop-vm", "stopping VM", stopVm)
  .step("destroy-vm", "destroying VM", destroyStep)
  .step("release-lease", "releasing VMID", releaseLease);
