import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** A node's load. */
export interface HostUsage {
  /** CPU in use since the reading before, 0 to 1. */
  readonly cpuRatio: number;
  readonly memoryBytes: number;
  /** What is not available to programs. */
  readonly memoryUsedBytes: number;
  readonly uptimeS: number;
}

/** Ticks since boot, from the first line of /proc/stat. */
export interface CpuTicks {
  readonly busy: number;
  readonly total: number;
}

/** Reads the first line of /proc/stat. Idle and iowait are not busy; guest time is contained in user time. */
export function parseCpuTicks(stat: string): CpuTicks {
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] =
    /^cpu\s+(.*)$/m.exec(stat)?.[1]?.trim().split(/\s+/).map(Number) ?? [];
  const busy = user + nice + system + irq + softirq + steal;
  return { busy, total: busy + idle + iowait };
}

/** The ratio of busy ticks between two readings, 0 when no time has passed. */
export function cpuRatio(before: CpuTicks | undefined, now: CpuTicks): number {
  const total = now.total - (before?.total ?? 0);
  return total <= 0 ? 0 : Math.min(1, Math.max(0, (now.busy - (before?.busy ?? 0)) / total));
}

/** Reads /proc/meminfo. */
export function parseMemInfo(text: string): { readonly memoryBytes: number; readonly memoryUsedBytes: number } {
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
  const total = kib("MemTotal");
  return { memoryBytes: total * 1024, memoryUsedBytes: (total - kib("MemAvailable")) * 1024 };
}

/** Reads a node's load again and again; remembers the ticks of the reading before. */
export class UsageReader {
  readonly #proc: string;
  #before: CpuTicks | undefined;

  constructor(proc: string) {
    this.#proc = proc;
  }

  async read(): Promise<HostUsage> {
    const [stat, meminfo, uptime] = await Promise.all(
      ["stat", "meminfo", "uptime"].map((file) => readFile(join(this.#proc, file), "utf8")),
    );
    const ticks = parseCpuTicks(stat ?? "");
    const ratio = cpuRatio(this.#before, ticks);
    this.#before = ticks;
    return { cpuRatio: ratio, ...parseMemInfo(meminfo ?? ""), uptimeS: Math.floor(Number.parseFloat(uptime ?? "0")) };
  }
}
