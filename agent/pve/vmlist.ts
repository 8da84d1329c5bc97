/** Where every guest of the cluster is, from `/etc/pve/.vmlist`. */
export interface VmlistEntry {
  readonly vmid: number;
  readonly node: string;
  readonly kind: "vm" | "container";
  /** Rises with every write to the guest's configuration (FACTS f). */
  readonly version: number;
}

/** Reads `.vmlist`. An empty cluster has no `ids`. Kinds other than qemu and lxc are left out. */
export function parseVmlist(text: string): readonly VmlistEntry[] {
  const parsed = JSON.parse(text) as { ids?: Record<string, { node?: string; type?: string; version?: number }> };
  return Object.entries(parsed.ids ?? {}).flatMap(([vmid, { node, type, version }]) =>
    node !== undefined && (type === "qemu" || type === "lxc")
      ? {
          vmid: Number(vmid),
          node,
          kind: type === "qemu" ? ("vm" as const) : ("container" as const),
          version: version ?? 0,
        }
      : [],
  );
}
