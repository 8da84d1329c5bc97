/** Which coordinator may run operations on a cluster. There can be several; one leads at a time. */
export interface Leadership {
  /** Waits until this coordinator leads the cluster. The signal of the result is aborted when it no longer does. */
  lead(cluster: string): Promise<AbortSignal>;
}
