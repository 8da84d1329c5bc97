/**
 * CPU types by rising demands, each with the flags it adds to the one before, by the names that Linux gives them in
 * /proc/cpuinfo: LZCNT is `abm`, SSE3 is `pni` (FACTS c, from qemu-server's CPUConfig.pm). There is no `x86-64-v1` in
 * Proxmox; below v2 stands kvm64.
 */
const levels: readonly { readonly cpuType: string; readonly adds: readonly string[] }[] = [
  { cpuType: "kvm64", adds: [] },
  { cpuType: "x86-64-v2", adds: ["popcnt", "pni", "sse4_1", "sse4_2", "ssse3"] },
  { cpuType: "x86-64-v2-AES", adds: ["aes"] },
  { cpuType: "x86-64-v3", adds: ["avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"] },
  { cpuType: "x86-64-v4", adds: ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"] },
];

/** What is known of one node's CPU. */
export interface NodeCpuFlags {
  readonly node: string;
  /** Absent: the node was never seen. */
  readonly flags?: readonly string[];
  /** Empty while the node itself says so now; otherwise why that is not so. */
  readonly uncertainBecause: string;
}

/** The highest CPU type that every node can run. */
export interface CpuBaseline {
  readonly cpuType: string;
  readonly certain: boolean;
  /** A sentence for each node that makes it uncertain. */
  readonly uncertainBecause: readonly string[];
  /** Empty: there is no higher one. */
  readonly nextCpuType: string;
  /** The nodes that cannot run the next one, and what they lack. */
  readonly blockers: readonly { readonly node: string; readonly missingFlags: readonly string[] }[];
}

/** The highest CPU type for one set of flags. */
export function cpuLevel(flags: readonly string[]): string {
  return levelOf(new Set(flags)).cpuType;
}

/**
 * Works out the baseline. A node that does not answer counts with the flags it had; one that was never seen cannot
 * count. Either makes the answer uncertain, and the answer says so: it never changes without a word.
 */
export function cpuBaseline(nodes: readonly NodeCpuFlags[]): CpuBaseline {
  const known = nodes.flatMap(({ node, flags }) => (flags ? { node, flags: new Set(flags) } : []));
  const index = known.length === 0 ? 0 : Math.min(...known.map(({ flags }) => levels.indexOf(levelOf(flags))));
  const next = levels[index + 1];
  const uncertainBecause = nodes.flatMap((node) => (node.uncertainBecause === "" ? [] : node.uncertainBecause));
  return {
    cpuType: levels[index]?.cpuType ?? "kvm64",
    certain: uncertainBecause.length === 0 && known.length > 0,
    uncertainBecause,
    nextCpuType: known.length === 0 ? "" : (next?.cpuType ?? ""),
    blockers: next
      ? known.flatMap(({ node, flags }) => {
          const missingFlags = flagsUpTo(index + 1).filter((flag) => !flags.has(flag));
          return missingFlags.length > 0 ? { node, missingFlags } : [];
        })
      : [],
  };
}

/** A sentence about a baseline, for plans and events. */
export function describeBaseline({ cpuType, uncertainBecause, nextCpuType, blockers }: CpuBaseline): string {
  const why = blockers.map(({ node, missingFlags }) => `${node} lacks ${missingFlags.join(", ")}`).join("; ");
  const highest = nextCpuType === "" ? "the highest there is" : `not ${nextCpuType}, because ${why}`;
  const doubt = uncertainBecause.length === 0 ? "" : `; uncertain: ${uncertainBecause.join("; ")}`;
  return `${cpuType} runs on every node (${highest})${doubt}`;
}

function levelOf(flags: ReadonlySet<string>) {
  const index = levels.findIndex(({ adds }) => adds.some((flag) => !flags.has(flag)));
  const level = levels[(index < 0 ? levels.length : index) - 1] ?? levels[0];
  if (!level) throw new Error("there are no CPU levels");
  return level;
}

const flagsUpTo = (index: number) => levels.slice(0, index + 1).flatMap(({ adds }) => adds);
