/** How far a copy is. */
export interface Progress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

const units: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/**
 * Reads a line such as `transferred 27.2 MiB of 2.0 GiB (1.33%)`, which `qm` prints while it imports a disk. Undefined
 * for any other line.
 */
export function parseProgress(line: string): Progress | undefined {
  const [, done, doneUnit, total, totalUnit] =
    /^transferred (\d+(?:\.\d+)?) ([KMGT]?i?B) of (\d+(?:\.\d+)?) ([KMGT]?i?B) \(/.exec(line) ?? [];
  if (done === undefined || doneUnit === undefined || total === undefined || totalUnit === undefined) return undefined;
  return {
    doneBytes: Math.round(Number(done) * (units[doneUnit] ?? 1)),
    totalBytes: Math.round(Number(total) * (units[totalUnit] ?? 1)),
  };
}
