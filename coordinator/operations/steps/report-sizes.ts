import type { InstallInput } from "../../domain/install.ts";
import { type Clamp, formatSize } from "../../domain/limits.ts";
import type { OperationDeps } from "../deps.ts";
import { nothingToUndo, type Step, type StepIo } from "../engine/step.ts";

/** Says which cores and memory the VM gets, and what limits changed. */
export const reportCoresAndMemory: Step<OperationDeps, InstallInput, object> = {
  run: async (_deps, { sizes, clamps }, io) => {
    tellClamps(
      clamps.filter(({ field }) => field !== "diskSizeBytes"),
      io,
    );
    io.result(`CPU and RAM validated: ${sizes.coreCount} cores, ${sizes.memoryMib} MiB`);
    return {};
  },
  undo: nothingToUndo("it only tells"),
};

/** Says how large the disk gets, and whether limits changed that. */
export const reportDiskSize: Step<OperationDeps, InstallInput, object> = {
  run: async (_deps, { sizes, clamps }, io) => {
    tellClamps(
      clamps.filter(({ field }) => field === "diskSizeBytes"),
      io,
    );
    io.result(`disk size validated: ${formatSize(sizes.diskSizeBytes)}`);
    return {};
  },
  undo: nothingToUndo("it only tells"),
};

function tellClamps(clamps: readonly Clamp[], io: StepIo): void {
  const names = { coreCount: "CPU", memoryMib: "RAM", diskSizeBytes: "disk" };
  for (const { field, requested, granted, reason } of clamps)
    io.notice("warning", `${names[field]} is ${granted} instead of ${requested}: ${reason}`);
}
