import { join } from "node:path";

/** Where Proxmox and Linux keep what the agent reads. All of it lies under one root, `/` on a real node. */
export interface HostPaths {
  readonly root: string;
  /** pmxcfs. */
  readonly etcPve: string;
  /** Pid files and sockets of the guests. */
  readonly qemuRun: string;
  /** Task logs. */
  readonly tasks: string;
  /** cpuinfo, meminfo, stat, uptime, net/arp. Processes are looked up in the machine's own /proc. */
  readonly proc: string;
  /** Network interfaces. */
  readonly netClass: string;
  readonly dpkgStatus: string;
}

/** The paths under `root`. */
export function hostPaths(root: string): HostPaths {
  return {
    root,
    etcPve: join(root, "etc/pve"),
    qemuRun: join(root, "var/run/qemu-server"),
    tasks: join(root, "var/log/pve/tasks"),
    proc: join(root, "proc"),
    netClass: join(root, "sys/class/net"),
    dpkgStatus: join(root, "var/lib/dpkg/status"),
  };
}

/** A path of storage.cfg on this machine: under the root, unless it lies there already. */
export function storagePath({ root }: HostPaths, path: string): string {
  return path.startsWith(root) ? path : join(root, path);
}
