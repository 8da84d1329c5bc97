/** pvestatd's last measurements, from `/etc/pve/.rrd`: up to 10 s old, and they stay for 5 min after death (FACTS 1.10). */
export interface Rrd {
  readonly vms: ReadonlyMap<number, RrdVm>;
  /** By storage, for one node. */
  readonly storages: ReadonlyMap<string, RrdStorage>;
}

export interface RrdVm {
  /** QMP's word, such as `running` or `paused`. */
  readonly status: string;
  readonly cpuRatio: number;
  readonly memoryUsedBytes: number;
}

export interface RrdStorage {
  readonly totalBytes: number;
  readonly usedBytes: number;
}

/** Reads `.rrd`, with the keys of PVE 8 and of PVE 9. `U` is unknown and becomes 0. */
export function parseRrd(text: string, node: string): Rrd {
  const vms = new Map<number, RrdVm>();
  const storages = new Map<string, RrdStorage>();
  for (const line of text.split("\n")) {
    const [key = "", ...fields] = line.split(":");
    const vmid = /^pve(?:2\.3)?-vm(?:-9\.0)?\/(\d+)$/.exec(key)?.[1];
    const storage = /^pve2?-storage(?:-9\.0)?\/([^/]+)\/(.+)$/.exec(key);
    if (vmid !== undefined) {
      const [, , status = "", , , , cpu, , memory] = fields;
      vms.set(Number(vmid), { status, cpuRatio: number(cpu), memoryUsedBytes: number(memory) });
    } else if (storage?.[1] === node && storage[2] !== undefined) {
      storages.set(storage[2], { totalBytes: number(fields[1]), usedBytes: number(fields[2]) });
    }
  }
  return { vms, storages };
}

const number = (field: string | undefined) => Number(field) || 0;
