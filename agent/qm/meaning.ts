import { AgentError, type ErrorKind } from "../errors.ts";

interface Meaning {
  readonly seen: RegExp;
  readonly kind: ErrorKind;
  readonly reason: string;
  /** The sentence for a person; gets the pattern's groups. */
  readonly says: (vmid: number, ...groups: string[]) => string;
}

/**
 * The only place that reads `qm`'s words. Every pattern has a recorded output in `meaning.test.ts`; the first that
 * fits counts. Exit codes say nothing beyond 0 or not (FACTS 1.1, 1.2).
 */
const meanings: readonly Meaning[] = [
  {
    seen: /(?:VM|CT) \d+ already exists(?: on node '(?<node>[^']*)')?|config file already exists/,
    kind: "exists",
    reason: "VMID_TAKEN",
    says: (vmid) => `VMID ${vmid} is taken`,
  },
  {
    seen: /can't lock file '[^']*' - got timeout/,
    kind: "busy",
    reason: "GUEST_LOCKED",
    says: (vmid) => `VM ${vmid} is being changed by another task`,
  },
  {
    seen: /VM is locked \((?<lock>[^)]*)\)/,
    kind: "busy",
    reason: "GUEST_LOCKED",
    says: (vmid, lock) => `VM ${vmid} is locked by Proxmox (${lock})`,
  },
  {
    seen: /Configuration file '[^']*' does not exist|unable to find configuration file for VM/,
    kind: "not-found",
    reason: "VM_NOT_FOUND",
    says: (vmid) => `there is no VM ${vmid} on this node`,
  },
  {
    seen: /cluster not ready - no quorum|unable to open file '\/?[^']*etc\/pve[^']*' - Permission denied/,
    kind: "unavailable",
    reason: "NO_QUORUM",
    says: () => "the cluster has no quorum, so nothing can be changed",
  },
  {
    seen: /storage '(?<storage>[^']*)' does not exist/,
    kind: "not-found",
    reason: "STORAGE_NOT_FOUND",
    says: (_vmid, storage) => `there is no storage ${storage}`,
  },
  {
    seen: /No space left on device/,
    kind: "no-capacity",
    reason: "STORAGE_FULL",
    says: (vmid) => `the storage is full, so VM ${vmid} could not be written`,
  },
  {
    seen: /MAX (?<cores>\d+) vcpus allowed per VM on this node/,
    kind: "no-capacity",
    reason: "TOO_MANY_CORES",
    says: (vmid, cores) => `VM ${vmid} has more cores than the node, which has ${cores}`,
  },
  {
    seen: /Host doesn't support requested features/,
    kind: "conflict",
    reason: "CPU_NOT_SUPPORTED",
    says: (vmid) => `the node lacks features of the CPU type of VM ${vmid}`,
  },
  {
    seen: /bridge '(?<bridge>[^']*)' does not exist/,
    kind: "conflict",
    reason: "BRIDGE_NOT_FOUND",
    says: (_vmid, bridge) => `the node has no bridge ${bridge}`,
  },
  {
    seen: /you can't start a vm if it's a template/,
    kind: "conflict",
    reason: "VM_IS_TEMPLATE",
    says: (vmid) => `VM ${vmid} is a template`,
  },
  {
    seen: /start failed: QEMU exited with code/,
    kind: "conflict",
    reason: "START_FAILED",
    says: (vmid) => `QEMU refused to start VM ${vmid}; the operation's log has its words`,
  },
  {
    seen: /volume '(?<volume>[^']*)' does not exist/,
    kind: "conflict",
    reason: "VOLUME_NOT_FOUND",
    says: (vmid, volume) => `volume ${volume} of VM ${vmid} does not exist`,
  },
  {
    seen: /VM quit\/powerdown failed - got timeout/,
    kind: "conflict",
    reason: "SHUTDOWN_TIMEOUT",
    says: (vmid) => `the guest of VM ${vmid} did not shut down in time`,
  },
  {
    seen: /VM \d+ (?:is )?not running/,
    kind: "conflict",
    reason: "VM_NOT_RUNNING",
    says: (vmid) => `VM ${vmid} does not run`,
  },
  {
    seen: /VM \d+ already running|VM \d+ is running - destroy failed|can't migrate running VM without --online/,
    kind: "conflict",
    reason: "VM_RUNNING",
    says: (vmid) => `VM ${vmid} runs`,
  },
  {
    seen: /shrinking disks is not supported/,
    kind: "conflict",
    reason: "DISK_CANNOT_SHRINK",
    says: (vmid) => `the disk of VM ${vmid} is larger already, and disks cannot shrink`,
  },
  {
    seen: /disk '(?<disk>[^']*)' does not exist/,
    kind: "not-found",
    reason: "DISK_NOT_FOUND",
    says: (vmid, disk) => `VM ${vmid} has no disk ${disk}`,
  },
  {
    seen: /no such cluster node '(?<node>[^']*)'/,
    kind: "not-found",
    reason: "NODE_NOT_FOUND",
    says: (_vmid, node) => `there is no node ${node}`,
  },
  {
    seen: /target is local node/,
    kind: "conflict",
    reason: "VM_ALREADY_THERE",
    says: (vmid) => `VM ${vmid} is on that node already`,
  },
  {
    seen: /is still in use by linked clone/,
    kind: "conflict",
    reason: "VOLUME_IN_USE",
    says: (vmid) => `a linked clone still uses a volume of VM ${vmid}`,
  },
  {
    seen: /qmp socket - timeout after \d+ retries/,
    kind: "busy",
    reason: "QMP_BUSY",
    says: (vmid) => `the monitor of VM ${vmid} is held by another program`,
  },
  {
    seen: /received interrupt|interrupted by signal/,
    kind: "cancelled",
    reason: "INTERRUPTED",
    says: (vmid) => `the command on VM ${vmid} was interrupted`,
  },
  {
    seen: /backing file not allowed for untrusted image|can't find file '[^']*'/,
    kind: "conflict",
    reason: "IMAGE_NOT_USABLE",
    says: () => "Proxmox refuses the image file",
  },
  {
    seen: /400 Parameter verification failed|400 unable to parse option|400 (?:not enough|too many) arguments/,
    kind: "internal",
    reason: "QM_REFUSED",
    says: (vmid) => `qm refused an argument of the command on VM ${vmid}`,
  },
];

/** What `qm`'s output means. Words that are not known are `internal`, never guessed. */
export function qmError(output: string, vmid: number, program = "qm"): AgentError {
  for (const { seen, kind, reason, says } of meanings) {
    const match = seen.exec(output);
    if (!match) continue;
    const groups = Object.fromEntries(Object.entries(match.groups ?? {}).filter(([, value]) => value !== undefined));
    return new AgentError(kind, reason, says(vmid, ...Object.values(groups)), { vmid: String(vmid), ...groups });
  }
  return new AgentError("internal", "QM_FAILED", `${program} failed on VM ${vmid}`, { vmid: String(vmid) });
}
