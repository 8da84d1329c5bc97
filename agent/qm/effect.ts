import type { Guest } from "../pve/guest.ts";
import type { QmCommand } from "./command.ts";

/** What can be seen of a guest: the guest if it is on this node, and the node that has it if any has. */
export interface GuestView {
  readonly guest: Guest | undefined;
  readonly node: string | undefined;
}

/**
 * Whether the effect that a command asks for is there. Asked before a command, to leave out what is done already, and
 * after it, because some failures of `qm` exit 0 and some successes do not (FACTS 1.1). `undefined` means that the
 * effect leaves no trace, so that only the exit code can tell.
 */
export function hasEffect(command: QmCommand, { guest, node }: GuestView): boolean | undefined {
  switch (command.type) {
    case "create-vm":
      return guest?.config.smbiosUuid === command.smbiosUuid.toLowerCase() && guest.config.lock === "";
    case "set-vm":
      return hasOptions(command, guest);
    case "resize-disk": {
      const disk = guest?.config.disks.find(({ slot }) => slot === command.slot);
      return disk !== undefined && disk.sizeBytes >= command.sizeBytes;
    }
    case "start-vm":
      return guest !== undefined && guest.pid !== 0;
    case "stop-vm":
    case "shutdown-vm":
      return guest?.state === "stopped";
    case "reboot-vm":
      return guest !== undefined && guest.pid !== 0 && guest.pid !== command.fromPid;
    case "reset-vm":
      return undefined;
    case "suspend-vm":
      return guest?.state === "paused";
    case "resume-vm":
      return guest?.state === "running";
    case "migrate-vm":
      return node === command.targetNode && guest === undefined;
    case "destroy-vm":
      if (command.onlySmbiosUuid === "") return node === undefined;
      return guest === undefined || guest.config.smbiosUuid !== command.onlySmbiosUuid.toLowerCase();
    default:
      throw new Error(`no effect for ${JSON.stringify(command satisfies never)}`);
  }
}

/** Why a command need not run at all, or undefined. Options are always set anew: pending ones cannot be compared. */
export function isNotNeeded(command: QmCommand, view: GuestView): string | undefined {
  if (command.type === "set-vm" || command.type === "reset-vm" || hasEffect(command, view) !== true) return undefined;
  switch (command.type) {
    case "create-vm":
      return "the VM exists with this command's UUID";
    case "resize-disk":
      return "the disk has that size";
    case "start-vm":
      return "the VM runs";
    case "stop-vm":
    case "shutdown-vm":
      return "the VM is stopped";
    case "reboot-vm":
      return "the VM runs with another process than before";
    case "suspend-vm":
      return "the VM is paused";
    case "resume-vm":
      return "the VM runs";
    case "migrate-vm":
      return "the VM is on the target";
    case "destroy-vm":
      return view.guest === undefined ? "the VM is gone" : "the VM there is not the one meant";
    default:
      throw new Error(`no reason for ${JSON.stringify(command satisfies never)}`);
  }
}

function hasOptions(command: Extract<QmCommand, { type: "set-vm" }>, guest: Guest | undefined): boolean {
  if (!guest) return false;
  const { config } = guest;
  const isSet = (option: string, current: boolean) => current || config.pendingOptions.includes(option);
  return (
    (command.coreCount === undefined || isSet("cores", config.coreCount === command.coreCount)) &&
    (command.memoryMib === undefined || isSet("memory", config.memoryMib === command.memoryMib)) &&
    (command.sshPublicKeys === undefined ||
      isSet("sshkeys", config.sshPublicKeys.join("\n") === command.sshPublicKeys.join("\n")))
  );
}
