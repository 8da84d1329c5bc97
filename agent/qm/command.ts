/** One change to make with Proxmox's tools, as plain data. `argv.ts` turns it into arguments. */
export type QmCommand =
  | CreateVm
  | SetVm
  | ResizeDisk
  | { readonly type: "start-vm"; readonly vmid: number }
  | { readonly type: "stop-vm"; readonly vmid: number; readonly overruleShutdown: boolean; readonly skipLock: boolean }
  | { readonly type: "shutdown-vm"; readonly vmid: number; readonly timeoutS: number; readonly force: boolean }
  | { readonly type: "reboot-vm"; readonly vmid: number; readonly timeoutS: number; readonly fromPid: number }
  | { readonly type: "reset-vm"; readonly vmid: number }
  | { readonly type: "suspend-vm"; readonly vmid: number }
  | { readonly type: "resume-vm"; readonly vmid: number }
  | { readonly type: "migrate-vm"; readonly vmid: number; readonly targetNode: string; readonly online: boolean }
  | { readonly type: "destroy-vm"; readonly vmid: number; readonly onlySmbiosUuid: string; readonly skipLock: boolean };

/** A VM with everything in one call. */
export interface CreateVm {
  readonly type: "create-vm";
  readonly vmid: number;
  readonly name: string;
  readonly coreCount: number;
  readonly cpuType: string;
  readonly memoryMib: number;
  /** 0: no ballooning below memoryMib. */
  readonly balloonMib: number;
  readonly bridge: string;
  readonly storage: string;
  readonly imageId: string;
  readonly imageChecksum: string;
  readonly baseSizeBytes: number;
  readonly user: string;
  /** A crypt(3) hash, or empty. */
  readonly passwordHash: string;
  readonly sshPublicKeys: readonly string[];
  /** In CIDR notation. */
  readonly address: string;
  readonly gateway: string;
  readonly nameservers: readonly string[];
  readonly searchDomain: string;
  readonly tags: readonly string[];
  readonly smbiosUuid: string;
}

/** New values for some options; what is absent stays. */
export interface SetVm {
  readonly type: "set-vm";
  readonly vmid: number;
  readonly coreCount?: number;
  readonly memoryMib?: number;
  readonly balloonMib?: number;
  /** Replaces the cloud-init keys; an empty list removes them. */
  readonly sshPublicKeys?: readonly string[];
}

/** Grows a disk to an absolute size. */
export interface ResizeDisk {
  readonly type: "resize-disk";
  readonly vmid: number;
  readonly slot: string;
  readonly sizeBytes: number;
}
