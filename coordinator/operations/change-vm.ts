import type { OperationDeps } from "./deps.ts";
import { pipeline } from "./engine/pipeline.ts";
import { type Growth, growDisk, planGrowth, setVmOptions, type VmChanges } from "./steps/change-vm.ts";
import { locateVm, type VmInput } from "./steps/locate-vm.ts";

/** Changes cores and memory. */
export const updateVm = pipeline<OperationDeps, VmInput & VmChanges>("update-vm", "VM change")
  .step("locate-vm", "finding VM", locateVm)
  .step("set-vm-options", "changing VM", setVmOptions);

/** Makes a disk larger. */
export const growVmDisk = pipeline<OperationDeps, VmInput & Growth>("grow-vm-disk", "disk growth")
  .step("locate-vm", "finding VM", locateVm)
  .step("plan-growth", "validating disk size", planGrowth)
  .step("grow-disk", "growing disk", growDisk);
