/** A guest as its node's agent told it. */
export interface Guest {
  readonly vmid: number;
  readonly kind: GuestKind;
  readonly node: string;
  readonly state: GuestState;
  readonly config: GuestConfig;
  /** 0: no process. */
  readonly pid: number;
  readonly usage?: GuestUsage;
  /** Set while the state is unknown, and only then. */
  readonly unknown?: Unknown;
}

export type GuestKind = "vm" | "container";
export type GuestState = "running" | "stopped" | "paused" | "unknown";

/** Since when and why a state is not known. */
export interface Unknown {
  /** Absent: the node was never heard. */
  readonly since?: Date;
  readonly reason: string;
}

/** What a guest's configuration says. */
export interface GuestConfig {
  readonly name: string;
  readonly coreCount: number;
  readonly memoryMib: number;
  /** Empty: Proxmox's default. */
  readonly cpuType: string;
  readonly tags: readonly string[];
  readonly template: boolean;
  /** Proxmox's lock. Empty: none. */
  readonly lock: string;
  /** In lower case. Empty for containers. */
  readonly smbiosUuid: string;
  readonly disks: readonly GuestDisk[];
  readonly nics: readonly GuestNic[];
  /** Options that wait for the next start. */
  readonly pendingOptions: readonly string[];
  readonly cloudInitUser: string;
}

export interface GuestDisk {
  readonly slot: string;
  readonly volumeId: string;
  readonly sizeBytes: number;
  readonly boot: boolean;
  readonly cdrom: boolean;
}

export interface GuestNic {
  readonly slot: string;
  readonly model: string;
  readonly macAddress: string;
  readonly bridge: string;
  readonly vlanTag: number;
  /** In CIDR notation. */
  readonly addresses: readonly string[];
  readonly gateway: string;
}

export interface GuestUsage {
  readonly cpuRatio: number;
  readonly memoryUsedBytes: number;
  readonly startTime: Date;
}

/** The disk that a VM boots from: the one that its boot order names first, or else its first disk. */
export function bootDisk({ disks }: GuestConfig): GuestDisk | undefined {
  return disks.find(({ boot }) => boot) ?? disks.find(({ cdrom }) => !cdrom);
}

/** The guest's first configured address without its prefix length; undefined when it has none. */
export function firstAddress({ nics }: GuestConfig): string | undefined {
  return nics.flatMap(({ addresses }) => addresses)[0]?.split("/")[0];
}
