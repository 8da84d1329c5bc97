/** What is counted. Behind a port, because the library that does it is replaceable. */
export interface Metrics {
  operationEnded(kind: string, state: string, seconds: number): void;
  /** The page that Prometheus reads, and its content type. */
  page(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** What is measured at the moment of the reading. */
export interface Gauges {
  readonly runningOperations: () => number;
  /** 1 for a node whose agent answers, 0 for one whose does not. */
  readonly links: () => ReadonlyMap<string, number>;
  readonly guests: () => ReadonlyMap<string, number>;
}
