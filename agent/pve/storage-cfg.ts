/** One storage of `/etc/pve/storage.cfg`. */
export interface StorageConfig {
  readonly name: string;
  /** Proxmox's type, such as `dir` or `lvmthin`. */
  readonly type: string;
  readonly enabled: boolean;
  readonly shared: boolean;
  /** What it may hold, sorted. */
  readonly content: readonly string[];
  /** For storages that are a folder; otherwise empty. */
  readonly path: string;
  /** The nodes it is limited to. Empty: every node. */
  readonly nodes: readonly string[];
}

const networkTypes = new Set(["nfs", "cifs", "cephfs", "rbd", "glusterfs", "iscsi", "iscsidirect", "pbs", "esxi"]);

/** Reads `storage.cfg`: a line `type: name`, then indented `key value` lines. A key without a value is true. */
export function parseStorageCfg(text: string): readonly StorageConfig[] {
  const found: { type: string; name: string; options: Map<string, string> }[] = [];
  for (const line of text.split("\n")) {
    const [, type, name] = /^(\w+):\s*(\S+)\s*$/.exec(line) ?? [];
    if (type !== undefined && name !== undefined) found.push({ type, name, options: new Map() });
    const [, key, value] = /^\s+(\S+)(?:\s+(.*?))?\s*$/.exec(line) ?? [];
    if (key !== undefined) found.at(-1)?.options.set(key, value ?? "1");
  }
  return found.map(({ type, name, options }) => ({
    name,
    type,
    enabled: (options.get("disable") ?? "0") === "0",
    shared: options.get("shared") === "1" || networkTypes.has(type),
    content: list(options.get("content")).toSorted(),
    path: options.get("path") ?? "",
    nodes: list(options.get("nodes")),
  }));
}

const list = (value: string | undefined) => (value ?? "").split(/[,;\s]+/).filter((item) => item !== "");
