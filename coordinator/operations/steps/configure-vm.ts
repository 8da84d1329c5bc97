import { DomainError } from "../../domain/errors.ts";
import { bootDisk } from "../../domain/guest.ts";
import type { InstallInput } from "../../domain/install.ts";
import { formatSize } from "../../domain/limits.ts";
import type { OperationDeps } from "../deps.ts";
import { nothingToUndo, type Step } from "../engine/step.ts";
import { clientOf, runOnNode, waitForLink } from "./run-on-node.ts";

/** The disk as Proxmox named it. */
export interface ConfiguredVm {
  readonly disk: { readonly slot: string; readonly volumeId: string };
}

/** Reads back what Proxmox made, the names of volumes above all, and grows the disk where more was asked for. */
export const configureVm: Step<
  OperationDeps,
  InstallInput & { readonly vmid: number; readonly node: string },
  ConfiguredVm
> = {
  run: async (deps, { vmid, node, sizes }, io) => {
    await waitForLink(deps, node, io, io.signal);
    const { config } = await clientOf(deps, node).readGuest(vmid);
    const disk = bootDisk(config);
    if (!disk)
      throw new DomainError("internal", "DISK_NOT_FOUND", `VM ${vmid} came out without a disk`, { vmid: String(vmid) });
    const { slot, volumeId, sizeBytes } = disk;
    if (sizeBytes < sizes.diskSizeBytes) {
      io.notice("info", `growing ${slot} from ${formatSize(sizeBytes)} to ${formatSize(sizes.diskSizeBytes)}`);
      const command = { type: "resize-disk" as const, vmid, slot, sizeBytes: sizes.diskSizeBytes };
      await runOnNode(deps, node, command, io, { label: `resize-${vmid}` });
    }
    io.result(
      `VM initialized successfully: ${slot} is ${volumeId}, ${formatSize(Math.max(sizeBytes, sizes.diskSizeBytes))}`,
    );
    return { disk: { slot, volumeId } };
  },
  undo: nothingToUndo("create-vm's undo removes the VM with its disks"),
};
