import { DomainError } from "../../domain/errors.ts";
import { bootDisk, type GuestDisk } from "../../domain/guest.ts";
import { formatSize } from "../../domain/limits.ts";
import type { OperationDeps } from "../deps.ts";
import { nothingToUndo, type Step } from "../engine/step.ts";
import { runOnNode, waitToShow } from "./run-on-node.ts";

type Located = { readonly vmid: number; readonly node: string };

/** New values; what is absent stays. */
export interface VmChanges {
  readonly coreCount?: number;
  readonly memoryMib?: number;
}

/** Sets cores and memory. On a running VM they can wait for the next start, and the result says so. */
export const setVmOptions: Step<OperationDeps, Located & VmChanges, object> = {
  run: async (deps, { vmid, node, coreCount, memoryMib }, io) => {
    const { balloonMinMib } = deps.settings;
    const belowBalloon = memoryMib !== undefined && balloonMinMib > 0 && memoryMib <= balloonMinMib;
    const outcome = await runOnNode(
      deps,
      node,
      {
        type: "set-vm",
        vmid,
        ...(coreCount === undefined ? {} : { coreCount }),
        ...(memoryMib === undefined ? {} : { memoryMib }),
        ...(belowBalloon ? { balloonMib: 0 } : {}),
      },
      io,
      { label: `set-${vmid}` },
    );
    const pending = outcome.guest?.config.pendingOptions ?? [];
    const changed = [
      coreCount === undefined ? [] : `${coreCount} cores`,
      memoryMib === undefined ? [] : `${memoryMib} MiB`,
    ].flat();
    const waits = pending.length > 0 ? ` (${pending.join(", ")} takes effect at the next start)` : "";
    io.result(`VM has ${changed.join(" and ")}${waits}`);
    return {};
  },
  undo: nothingToUndo("one call changes everything or nothing"),
};

/** How much larger a disk should be. One of the two is set. */
export interface Growth {
  /** Empty: the boot disk. */
  readonly slot: string;
  readonly growByBytes?: number;
  readonly sizeBytes?: number;
}

/** A disk and its new, absolute size. */
export interface DiskTarget {
  readonly diskSlot: string;
  readonly targetBytes: number;
}

/** Turns an amount into an absolute size, once: it is in the journal before anything grows, so no retry adds twice. */
export const planGrowth: Step<OperationDeps, Located & Growth, DiskTarget> = {
  run: async (deps, { vmid, slot, growByBytes, sizeBytes }, io) => {
    const disk = requireDisk(deps, vmid, slot);
    const targetBytes = sizeBytes ?? disk.sizeBytes + (growByBytes ?? 0);
    requireGrowth(deps, vmid, disk, targetBytes);
    io.result(`${disk.slot} goes from ${formatSize(disk.sizeBytes)} to ${formatSize(targetBytes)}`);
    return { diskSlot: disk.slot, targetBytes };
  },
  undo: nothingToUndo("it only decides"),
};

/** Grows the disk to its absolute size. One that has it already stays. */
export const growDisk: Step<OperationDeps, Located & DiskTarget, object> = {
  run: async (deps, { vmid, node, diskSlot, targetBytes }, io) => {
    const command = { type: "resize-disk" as const, vmid, slot: diskSlot, sizeBytes: targetBytes };
    await runOnNode(deps, node, command, io, { label: `resize-${vmid}` });
    const isGrown = () =>
      deps.cluster
        .guest(vmid)
        ?.config.disks.some(({ slot, sizeBytes }) => slot === diskSlot && sizeBytes >= targetBytes) === true;
    await waitToShow(deps, isGrown, io);
    io.result(`${diskSlot} is ${formatSize(targetBytes)}`);
    return {};
  },
  undo: nothingToUndo("disks cannot shrink"),
};

/** The disk in a slot, or the boot disk. */
export function requireDisk(deps: Pick<OperationDeps, "cluster">, vmid: number, slot: string): GuestDisk {
  const { config } = deps.cluster.requireVm(vmid);
  const disk =
    slot === "" ? bootDisk(config) : config.disks.find((candidate) => candidate.slot === slot && !candidate.cdrom);
  if (disk) return disk;
  const known = config.disks
    .filter(({ cdrom }) => !cdrom)
    .map((candidate) => candidate.slot)
    .join(", ");
  const metadata = { vmid: String(vmid), slot, disks: known };
  throw new DomainError(
    "not-found",
    "DISK_NOT_FOUND",
    `VM ${vmid} has no disk ${slot || "to boot from"} (it has: ${known || "none"})`,
    metadata,
  );
}

/** Refuses a size that is no growth, or more than the limit. */
export function requireGrowth(
  { settings }: Pick<OperationDeps, "settings">,
  vmid: number,
  { slot, sizeBytes }: GuestDisk,
  targetBytes: number,
): void {
  const metadata = { vmid: String(vmid), slot, size: formatSize(sizeBytes), wanted: formatSize(targetBytes) };
  const { maxDiskBytes } = settings.limits;
  if (maxDiskBytes !== undefined && targetBytes > maxDiskBytes) {
    const limit = formatSize(maxDiskBytes);
    throw new DomainError(
      "conflict",
      "DISK_TOO_LARGE",
      `${slot} would be ${metadata.wanted}, and VM_MAX_DISK is ${limit}`,
      { ...metadata, limit },
    );
  }
  if (targetBytes <= sizeBytes)
    throw new DomainError(
      "conflict",
      "DISK_CANNOT_SHRINK",
      `${slot} of VM ${vmid} is ${metadata.size} already, and disks cannot shrink`,
      metadata,
    );
}
