/** The VMIDs that installs take from: both ends included. */
export interface VmidRange {
  readonly start: number;
  readonly end: number;
}

/** The VMIDs of a range in the order in which they are tried: from both ends towards the middle, as the seed does. */
export function* vmidCandidates({ start, end }: VmidRange): Generator<number> {
  for (let low = start, high = end; low <= high; low++, high--) {
    yield low;
    if (high !== low) yield high;
  }
}
