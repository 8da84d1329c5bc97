const unitBytes: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Reads the `size=` of a disk, such as `2G`, `3584M` or `1536` (bytes). 0 for what is not a size. */
export function parseDiskSize(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([KMGT]?)$/.exec(text) ?? [];
  const factor = unit === undefined ? undefined : unitBytes[unit];
  return number === undefined || factor === undefined ? 0 : Math.round(Number(number) * factor);
}
