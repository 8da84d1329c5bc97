/** A guest's `.conf`, cut into its sections: the current values, the pending ones, and the rest by name. */
export interface ConfigFile {
  readonly current: ReadonlyMap<string, string>;
  readonly pending: ReadonlyMap<string, string>;
  /** Options that `[PENDING]` deletes. */
  readonly pendingDeletes: readonly string[];
}

const option = /^([a-z][a-z_-]*\d*):\s*(.*?)\s*$/;

/** Cuts a `.conf` into sections. Snapshots and `[special:…]` sections are left out; so are lines that are no options. */
export function parseConfigFile(text: string): ConfigFile {
  const current = new Map<string, string>();
  const pending = new Map<string, string>();
  let section: Map<string, string> | undefined = current;
  for (const line of text.split("\n")) {
    const header = /^\[([^\]]+)\]\s*$/.exec(line);
    if (header) {
      section = header[1]?.toLowerCase() === "pending" ? pending : undefined;
      continue;
    }
    const [, key, value] = option.exec(line) ?? [];
    if (section && key !== undefined && value !== undefined) section.set(key, value);
  }
  const pendingDeletes = (pending.get("delete") ?? "").split(/[,;\s]+/).flatMap((name) => name.replace(/^!/, "") || []);
  pending.delete("delete");
  return { current, pending, pendingDeletes };
}
