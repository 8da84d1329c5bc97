import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { HostPaths } from "../host/host-paths.ts";
import { isAlive, type ProcessIdentity, processStartTime, readGuestProcess } from "../host/process.ts";
import { queryQmpStatus } from "../host/qmp.ts";
import { parseContainerConfig } from "../pve/container-config.ts";
import type { Guest, GuestConfig, GuestState } from "../pve/guest.ts";
import type { Rrd } from "../pve/rrd.ts";
import { parseVmConfig } from "../pve/vm-config.ts";
import { parseVmlist, type VmlistEntry } from "../pve/vmlist.ts";

/** How long QMP's word about a running VM counts when nothing hints at a change. */
const qmpMaxAgeMs = 10_000;

interface Known {
  readonly version: number;
  readonly config: GuestConfig;
  process?: ProcessIdentity | undefined;
  paused: boolean;
  qmpAskedAtMs: number;
}

/**
 * Reads the guests of this node: who is here from `.vmlist`, what they are from their `.conf` (again only when its
 * version in `.vmlist` rose), whether they run from pid files and /proc. QMP is asked only when something happened.
 */
export class GuestReader {
  readonly #paths: HostPaths;
  readonly #known = new Map<number, Known>();
  #tasksChangedAtMs = 0;

  constructor(paths: HostPaths) {
    this.#paths = paths;
  }

  /** The guests of `node` as they are now. `rrd` adds what pvestatd measured. */
  async read(node: string, rrd: Rrd, uptimeS: number): Promise<ReadonlyMap<number, Guest>> {
    const entries = (await this.readVmlist()).filter((entry) => entry.node === node);
    const pidFiles = new Set(
      (await readdir(this.#paths.qemuRun).catch(() => [])).filter((name) => name.endsWith(".pid")),
    );
    const tasksChanged = await this.#tasksChanged();
    const guests = await Promise.all(
      entries.map((entry) => this.#readOne(entry, pidFiles.has(`${entry.vmid}.pid`), tasksChanged, rrd, uptimeS)),
    );
    const here = new Set(entries.map(({ vmid }) => vmid));
    for (const vmid of this.#known.keys()) if (!here.has(vmid)) this.#known.delete(vmid);
    return new Map(guests.flatMap((guest) => (guest ? [[guest.vmid, guest] as const] : [])));
  }

  /** Every guest of the cluster. Empty while pmxcfs is away. */
  async readVmlist(): Promise<readonly VmlistEntry[]> {
    return parseVmlist(await readFile(join(this.#paths.etcPve, ".vmlist"), "utf8"));
  }

  /** The configuration of any guest of the cluster, read now; undefined when it went away meanwhile. */
  async readConfig({
    vmid,
    node,
    kind,
  }: Pick<VmlistEntry, "vmid" | "node" | "kind">): Promise<GuestConfig | undefined> {
    const folder = kind === "vm" ? "qemu-server" : "lxc";
    const file = join(this.#paths.etcPve, "nodes", node, folder, `${vmid}.conf`);
    const text = await readFile(file, "utf8").catch(() => undefined);
    if (text === undefined) return undefined;
    return kind === "vm" ? parseVmConfig(text) : parseContainerConfig(text);
  }

  async #readOne(
    entry: VmlistEntry,
    hasPidFile: boolean,
    tasksChanged: boolean,
    rrd: Rrd,
    uptimeS: number,
  ): Promise<Guest | undefined> {
    const { vmid, kind, node, version } = entry;
    const before = this.#known.get(vmid);
    const config = before?.version === version ? before.config : await this.readConfig(entry);
    if (!config) return undefined;
    const known: Known = { paused: false, qmpAskedAtMs: 0, ...before, version, config };
    this.#known.set(vmid, known);
    const measured = rrd.vms.get(vmid);
    if (kind === "container") {
      const state = measured?.status === "running" ? "running" : "stopped"; // pvestatd's word: up to 10 s old
      return { vmid, kind, node, state, config, pid: 0 };
    }
    const state = await this.#readState(vmid, known, hasPidFile, tasksChanged);
    if (!known.process) return { vmid, kind, node, state, config, pid: 0 };
    const usage = {
      cpuRatio: measured?.cpuRatio ?? 0,
      memoryUsedBytes: measured?.memoryUsedBytes ?? 0,
      startTime: roundToSecond(processStartTime(known.process, uptimeS, new Date())),
    };
    return { vmid, kind, node, state, config, pid: known.process.pid, usage };
  }

  async #readState(vmid: number, known: Known, hasPidFile: boolean, tasksChanged: boolean): Promise<GuestState> {
    const before = known.process;
    if (!before || !(await isAlive(before)))
      known.process = hasPidFile ? await readGuestProcess(join(this.#paths.qemuRun, `${vmid}.pid`)) : undefined;
    if (!known.process) return "stopped";
    const isNew = known.process !== before;
    if (isNew || tasksChanged || performance.now() - known.qmpAskedAtMs > qmpMaxAgeMs) {
      known.qmpAskedAtMs = performance.now();
      const answer = await queryQmpStatus(join(this.#paths.qemuRun, `${vmid}.qmp`));
      if (answer) known.paused = answer.status === "paused";
    }
    return known.paused ? "paused" : "running";
  }

  /** Whether any Proxmox task started or ended since the last look: suspend and resume leave no other trace. */
  async #tasksChanged(): Promise<boolean> {
    const changedAtMs = (await stat(join(this.#paths.tasks, "active")).catch(() => undefined))?.mtimeMs ?? 0;
    const changed = changedAtMs !== this.#tasksChangedAtMs;
    this.#tasksChangedAtMs = changedAtMs;
    return changed;
  }
}

/** The start is computed from ticks and uptime and wavers by some milliseconds. */
const roundToSecond = (time: Date) => new Date(Math.round(time.getTime() / 1000) * 1000);
