import { statfs } from "node:fs/promises";
import type { RrdStorage } from "../pve/rrd.ts";
import type { StorageConfig } from "../pve/storage-cfg.ts";
import { type HostPaths, storagePath } from "./host-paths.ts";

/** A storage as this node sees it now. */
export interface StorageStatus {
  readonly name: string;
  readonly type: string;
  readonly shared: boolean;
  readonly active: boolean;
  readonly content: readonly string[];
  /** 0: not known. */
  readonly totalBytes: number;
  readonly usedBytes: number;
  readonly availableBytes: number;
}

/**
 * Tells a storage's room: a folder is asked itself; for anything else pvestatd's last measurement counts, which is
 * missing when the storage was not active. No program is started.
 */
export async function readStorageStatus(
  paths: HostPaths,
  storage: StorageConfig,
  measured: RrdStorage | undefined,
): Promise<StorageStatus> {
  const { name, type, shared, content } = storage;
  const base = { name, type, shared, content };
  const inactive = { ...base, active: false, totalBytes: 0, usedBytes: 0, availableBytes: 0 };
  if (!storage.enabled) return inactive;
  if (storage.path !== "") {
    const fs = await statfs(storagePath(paths, storage.path)).catch(() => undefined);
    if (!fs) return inactive;
    const availableBytes = fs.bavail * fs.bsize;
    const usedBytes = (fs.blocks - fs.bfree) * fs.bsize;
    return { ...base, active: true, totalBytes: fs.blocks * fs.bsize, usedBytes, availableBytes };
  }
  if (!measured) return inactive;
  const { totalBytes, usedBytes } = measured;
  return { ...base, active: true, totalBytes, usedBytes, availableBytes: Math.max(0, totalBytes - usedBytes) };
}
