/** A guest as its configuration file and its process tell it. */
export interface Guest {
  readonly vmid: number;
  readonly kind: "vm" | "container";
  /** The node that holds the configuration. */
  readonly node: string;
  /** `unknown` for a guest of another node. */
  readonly state: GuestState;
  readonly config: GuestConfig;
  /** 0: no process. */
  readonly pid: number;
  /** Only while it runs. */
  readonly usage?: GuestUsage;
}

export type GuestState = "running" | "stopped" | "paused" | "unknown";

/** The part of a guest's configuration that qmesh uses, without secrets. */
export interface GuestConfig {
  readonly name: string;
  readonly coreCount: number;
  readonly memoryMib: number;
  readonly cpuType: string;
  readonly tags: readonly string[];
  readonly template: boolean;
  readonly lock: string;
  readonly smbiosUuid: string;
  readonly disks: readonly GuestDisk[];
  readonly nics: readonly GuestNic[];
  /** Options that wait for the next start. */
  readonly pendingOptions: readonly string[];
  readonly cloudInitUser: string;
  /** Cloud-init's keys, one an entry. Never leave the agent. */
  readonly sshPublicKeys: readonly string[];
}

/** One slot with the volume in it. */
export interface GuestDisk {
  readonly slot: string;
  readonly volumeId: string;
  /** 0 when the configuration names no size. */
  readonly sizeBytes: number;
  readonly boot: boolean;
  readonly cdrom: boolean;
}

/** One network interface with its configured addresses. */
export interface GuestNic {
  readonly slot: string;
  readonly model: string;
  readonly macAddress: string;
  readonly bridge: string;
  /** 0: untagged. */
  readonly vlanTag: number;
  /** In CIDR notation; `dhcp` and `auto` are left out. */
  readonly addresses: readonly string[];
  readonly gateway: string;
}

/** What a running guest uses, as pvestatd measured it up to 10 s ago. */
export interface GuestUsage {
  /** 0 to 1 of the guest's cores. */
  readonly cpuRatio: number;
  readonly memoryUsedBytes: number;
  readonly startTime: Date;
}
