import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readBridges } from "../host/bridges.ts";
import { parseCpuInfo } from "../host/cpu-info.ts";
import type { HostPaths } from "../host/host-paths.ts";
import { readPveVersion } from "../host/pve-version.ts";
import { readStorageStatus, type StorageStatus } from "../host/storage-status.ts";
import type { CachedImage } from "../images/cached-image.ts";
import { type Members, parseMembers } from "../pve/members.ts";
import { parseRrd, type Rrd } from "../pve/rrd.ts";
import { parseStorageCfg } from "../pve/storage-cfg.ts";
import type { NodeFacts } from "./node-state.ts";

/** Reads what seldom changes about the node. */
export class FactsReader {
  readonly #paths: HostPaths;
  readonly #agentVersion: string;
  readonly #images: () => readonly CachedImage[];

  constructor(paths: HostPaths, agentVersion: string, images: () => readonly CachedImage[]) {
    this.#paths = paths;
    this.#agentVersion = agentVersion;
    this.#images = images;
  }

  /** The node's name, the cluster, and whether it is quorate. */
  async readMembers(): Promise<Members> {
    return parseMembers(await readFile(join(this.#paths.etcPve, ".members"), "utf8"));
  }

  /** pvestatd's last measurements; empty while there are none. */
  async readRrd(node: string): Promise<Rrd> {
    return parseRrd(await readFile(join(this.#paths.etcPve, ".rrd"), "utf8").catch(() => ""), node);
  }

  /** The storages that `node` may use, by name, or only the one named. */
  async readStorages(node: string, rrd: Rrd, only = ""): Promise<readonly StorageStatus[]> {
    const storages = parseStorageCfg(await readFile(join(this.#paths.etcPve, "storage.cfg"), "utf8"))
      .filter(({ name, nodes }) => (only === "" || name === only) && (nodes.length === 0 || nodes.includes(node)))
      .toSorted((a, b) => a.name.localeCompare(b.name));
    return Promise.all(
      storages.map((storage) => readStorageStatus(this.#paths, storage, rrd.storages.get(storage.name))),
    );
  }

  /** Everything; `members` and `rrd` were read just before. */
  async read({ nodeName, clusterName, quorate, nodes }: Members, rrd: Rrd): Promise<NodeFacts> {
    const [bootId, cpuInfo, pveVersion, storages, bridges] = await Promise.all([
      readFile("/proc/sys/kernel/random/boot_id", "utf8"),
      readFile(join(this.#paths.proc, "cpuinfo"), "utf8"),
      readPveVersion(this.#paths.dpkgStatus),
      this.readStorages(nodeName, rrd),
      readBridges(this.#paths.netClass),
    ]);
    return {
      node: nodeName,
      agentVersion: this.#agentVersion,
      bootId: bootId.trim(),
      pveVersion,
      clusterName,
      quorate,
      members: nodes,
      cpu: parseCpuInfo(cpuInfo),
      storages,
      bridges,
      images: this.#images(),
    };
  }
}
