/** Sizes that the configuration allows. Absent: no limit. */
export interface SizeLimits {
  readonly maxCores?: number;
  readonly maxMemoryMib?: number;
  readonly maxDiskBytes?: number;
}

/** The sizes of a VM. */
export interface Sizes {
  readonly coreCount: number;
  readonly memoryMib: number;
  readonly diskSizeBytes: number;
}

/** A size that was brought into the limits, in words. */
export interface Clamp {
  /** The field's JSON name. */
  readonly field: keyof Sizes;
  readonly requested: string;
  readonly granted: string;
  readonly reason: string;
}

const gib = 2 ** 30;

/** What a VM gets when nothing is asked for. */
export const defaultSizes: Sizes = { coreCount: 2, memoryMib: 2048, diskSizeBytes: 16 * gib };
/** What a VM has at least. */
export const minSizes = { memoryMib: 512, diskSizeBytes: 16 * gib };

/** Brings what was asked for into the limits, and tells each change. A size of 0 was not asked for. */
export function clampSizes(
  asked: Sizes,
  limits: SizeLimits,
): { readonly sizes: Sizes; readonly clamps: readonly Clamp[] } {
  const clamps: Clamp[] = [];
  const clamp = (
    field: keyof Sizes,
    min: number | undefined,
    max: { readonly value: number | undefined; readonly name: string },
    show: (value: number) => string,
  ): number => {
    const requested = asked[field] === 0 ? defaultSizes[field] : asked[field];
    const tooSmall = min !== undefined && requested < min;
    const tooLarge = max.value !== undefined && requested > max.value;
    if (!tooSmall && !tooLarge) return requested;
    const granted = tooSmall ? min : (max.value ?? requested);
    const reason = tooSmall ? `the minimum is ${show(granted)}` : `${max.name} is ${show(granted)}`;
    clamps.push({ field, requested: show(requested), granted: show(granted), reason });
    return granted;
  };
  const coreCount = clamp("coreCount", undefined, { value: limits.maxCores, name: "VM_MAX_CPU" }, String);
  const memory = { value: limits.maxMemoryMib, name: "VM_MAX_RAM" };
  const memoryMib = clamp("memoryMib", minSizes.memoryMib, memory, (mib) => `${mib} MiB`);
  const disk = { value: limits.maxDiskBytes, name: "VM_MAX_DISK" };
  const diskSizeBytes = clamp("diskSizeBytes", minSizes.diskSizeBytes, disk, formatSize);
  return { sizes: { coreCount, memoryMib, diskSizeBytes }, clamps };
}

/** A number of bytes for a person: in GiB when it is a whole number of them, else in MiB. */
export function formatSize(bytes: number): string {
  return bytes % gib === 0 ? `${bytes / gib} GiB` : `${Math.round(bytes / 2 ** 20)} MiB`;
}
