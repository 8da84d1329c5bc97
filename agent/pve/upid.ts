/** Proxmox's task id, taken apart: `UPID:node:pid:pstart:starttime:type:id:user:` (FACTS h). */
export interface Upid {
  readonly text: string;
  readonly node: string;
  readonly pid: number;
  /** The process's start in clock ticks since boot, as in /proc/PID/stat. */
  readonly pstart: number;
  readonly startTime: Date;
  /** Such as `qmcreate`. */
  readonly type: string;
  readonly id: string;
  readonly user: string;
}

const pattern = /^UPID:([a-zA-Z0-9.-]+):([0-9A-F]{8}):([0-9A-F]{8,9}):([0-9A-F]{8}):([^:\s/]+):([^:\s/]*):([^:\s/]+):$/;

/** Reads a UPID; undefined for anything else, so that a UPID is safe as a file name. */
export function parseUpid(text: string): Upid | undefined {
  const [, node, pid, pstart, start, type, id, user] = pattern.exec(text) ?? [];
  if (node === undefined || pid === undefined || pstart === undefined || start === undefined) return undefined;
  return {
    text,
    node,
    pid: Number.parseInt(pid, 16),
    pstart: Number.parseInt(pstart, 16),
    startTime: new Date(Number.parseInt(start, 16) * 1000),
    type: type ?? "",
    id: id ?? "",
    user: user ?? "",
  };
}
