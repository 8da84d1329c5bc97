/** Time, so that tests and other clocks can take its place. */
export interface Clock {
  /** The time of day. May jump. */
  readonly now: () => Date;
  /** Milliseconds that only ever rise; for elapsed times and timeouts. */
  readonly elapsedMs: () => number;
}
