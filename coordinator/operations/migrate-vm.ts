import type { OperationDeps } from "./deps.ts";
import { pipeline } from "./engine/pipeline.ts";
import { locateVm, type VmInput } from "./steps/locate-vm.ts";
import { chooseTarget, migrateVm as migrateStep } from "./steps/migrate-vm.ts";

/** Moves a VM to another node with its local disks. */
export const migrateVm = pipeline<OperationDeps, VmInput & { readonly targetNode: string }>(
  "migrate-vm",
  "VM migration",
)
  .step("locate-vm", "finding VM", locateVm)
  .step("choose-target", "checking target node", chooseTarget)
  .step("migrate-vm", "migrating", migrateStep);
