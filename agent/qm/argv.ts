import type { CreateVm, QmCommand, SetVm } from "./command.ts";

/** What a command needs besides its own words: files that the agent made for it. */
export interface ArgvFiles {
  /** The image file to import, for create-vm. */
  readonly importPath?: string;
  /** A file with the SSH public keys, one a line. */
  readonly sshKeysPath?: string;
}

/** A program, its arguments, and what it reads on standard input. */
export interface Invocation {
  readonly argv: readonly [string, ...string[]];
  /** Secrets go this way, never by argv. Empty: nothing. */
  readonly stdin: string;
}

/** The call that does what the command says. Pure, so that golden files can pin it. */
export function toInvocation(command: QmCommand, files: ArgvFiles = {}): Invocation {
  const vmid = String(command.vmid);
  switch (command.type) {
    case "create-vm":
      return createInvocation(command, files);
    case "set-vm":
      return plain("set", vmid, ...setOptions(command, files));
    case "resize-disk":
      return plain("resize", vmid, command.slot, `${Math.ceil(command.sizeBytes / 2 ** 20)}M`);
    case "start-vm":
      return plain("start", vmid);
    case "stop-vm":
      return plain(
        "stop",
        vmid,
        ...(command.overruleShutdown ? ["--overrule-shutdown", "1"] : []),
        ...skipLock(command.skipLock),
      );
    case "shutdown-vm":
      return plain(
        "shutdown",
        vmid,
        "--timeout",
        String(command.timeoutS),
        ...(command.force ? ["--forceStop", "1"] : []),
      );
    case "reboot-vm":
      return plain("reboot", vmid, "--timeout", String(command.timeoutS));
    case "reset-vm":
      return plain("reset", vmid);
    case "suspend-vm":
      return plain("suspend", vmid);
    case "resume-vm":
      return plain("resume", vmid);
    case "migrate-vm":
      return plain(
        "migrate",
        vmid,
        command.targetNode,
        ...(command.online ? ["--online", "1", "--with-local-disks", "1"] : []),
      );
    case "destroy-vm":
      return plain("destroy", vmid, "--purge", "1", "--destroy-unreferenced-disks", "1", ...skipLock(command.skipLock));
    default:
      throw new Error(`no argv for ${JSON.stringify(command satisfies never)}`);
  }
}

const plain = (...args: readonly string[]): Invocation => ({ argv: ["qm", ...args], stdin: "" });
const skipLock = (skip: boolean) => (skip ? ["--skiplock", "1"] : []);

/** One Perl start for the whole VM (FACTS 1.3). */
function createInvocation(vm: CreateVm, { importPath, sshKeysPath }: ArgvFiles): Invocation {
  if (importPath === undefined) throw new Error("create-vm needs an image to import");
  const argv: [string, ...string[]] = [
    "qm",
    ...["create", String(vm.vmid)],
    ...["--name", vm.name],
    ...["--ostype", "l26"],
    ...["--cores", String(vm.coreCount)],
    ...["--cpu", vm.cpuType],
    ...["--memory", String(vm.memoryMib)],
    ...(vm.balloonMib > 0 ? ["--numa", "1", "--balloon", String(vm.balloonMib)] : []),
    ...["--scsihw", "virtio-scsi-single"],
    ...["--scsi0", `${vm.storage}:0,import-from=${importPath},discard=on,iothread=1`],
    ...["--ide2", `${vm.storage}:cloudinit`],
    ...["--boot", "order=scsi0"],
    ...["--net0", `virtio,bridge=${vm.bridge}`],
    ...["--ipconfig0", `ip=${vm.address},gw=${vm.gateway}`],
    ...(vm.nameservers.length > 0 ? ["--nameserver", vm.nameservers.join(" ")] : []),
    ...(vm.searchDomain === "" ? [] : ["--searchdomain", vm.searchDomain]),
    ...["--serial0", "socket"],
    ...["--agent", "1"],
    ...["--ciuser", vm.user],
    ...(sshKeysPath === undefined ? [] : ["--sshkeys", sshKeysPath]),
    ...["--ciupgrade", "0"], // the init script decides about packages
    ...["--smbios1", `uuid=${vm.smbiosUuid}`],
    ...(vm.tags.length > 0 ? ["--tags", vm.tags.join(";")] : []),
  ];
  if (vm.passwordHash === "") return { argv, stdin: "" };
  // Without a value `qm` reads the password from standard input, twice (FACTS 1.6). It has to be the last option.
  return { argv: [...argv, "--cipassword"], stdin: `${vm.passwordHash}\n${vm.passwordHash}\n` };
}

function setOptions(vm: SetVm, { sshKeysPath }: ArgvFiles): readonly string[] {
  const keys = vm.sshPublicKeys;
  if (keys && keys.length > 0 && sshKeysPath === undefined) throw new Error("set-vm needs a file with the SSH keys");
  return [
    ...(vm.coreCount === undefined ? [] : ["--cores", String(vm.coreCount)]),
    ...(vm.memoryMib === undefined ? [] : ["--memory", String(vm.memoryMib)]),
    ...(vm.balloonMib === undefined ? [] : ["--balloon", String(vm.balloonMib)]),
    ...(keys && sshKeysPath !== undefined && keys.length > 0 ? ["--sshkeys", sshKeysPath] : []),
    ...(keys?.length === 0 ? ["--delete", "sshkeys"] : []),
  ];
}
