import { growVmDisk, updateVm } from "./change-vm.ts";
import type { OperationDeps } from "./deps.ts";
import { destroyVm } from "./destroy-vm.ts";
import type { RunnablePipeline } from "./engine/pipeline.ts";
import { deleteImage, pullImage } from "./images.ts";
import { installVm } from "./install-vm.ts";
import { migrateVm } from "./migrate-vm.ts";
import { rebootVm, resetVm, resumeVm, shutdownVm, startVm, stopVm, suspendVm } from "./power.ts";

/** Every operation there is, so that one that was interrupted finds its steps again. */
export const allOperations: readonly RunnablePipeline<OperationDeps>[] = [
  installVm,
  updateVm,
  growVmDisk,
  migrateVm,
  destroyVm,
  startVm,
  stopVm,
  shutdownVm,
  rebootVm,
  resetVm,
  suspendVm,
  resumeVm,
  pullImage,
  deleteImage,
];
