/** What /proc/cpuinfo says. */
export interface CpuInfo {
  readonly model: string;
  /** Linux's names of the flags that every logical CPU has, sorted. */
  readonly flags: readonly string[];
  readonly coreCount: number;
}

/** Reads /proc/cpuinfo of x86. Flags count only when all CPUs have them: a VM may run on any. */
export function parseCpuInfo(text: string): CpuInfo {
  const processors = text.split(/\n\n+/).filter((block) => /^processor\s*:/m.test(block));
  const field = (block: string, name: string) => new RegExp(`^${name}\\s*:\\s*(.*)$`, "m").exec(block)?.[1] ?? "";
  const flagSets = processors.map((block) => new Set(field(block, "flags").split(/\s+/)));
  const [first = new Set<string>(), ...others] = flagSets;
  return {
    model: field(processors[0] ?? "", "model name"),
    flags: [...first].filter((flag) => flag !== "" && others.every((set) => set.has(flag))).toSorted(),
    coreCount: processors.length,
  };
}
