import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Gauges, Metrics } from "../ports/metrics.ts";

/** Metrics for Prometheus. */
export function promMetrics(gauges: Gauges): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: "qmesh_" });
  const registers = [registry];
  const ended = new Counter({
    name: "qmesh_operations_ended_total",
    help: "Operations that reached their last state, by kind and state.",
    labelNames: ["kind", "state"],
    registers,
  });
  const seconds = new Histogram({
    name: "qmesh_operation_duration_seconds",
    help: "Time from the acceptance of an operation to its end, by kind.",
    labelNames: ["kind"],
    buckets: [0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800],
    registers,
  });
  new Gauge({
    name: "qmesh_operations_running",
    help: "Operations that run or wait now.",
    registers,
    collect() {
      this.set(gauges.runningOperations());
    },
  });
  byLabel("qmesh_link_up", "Whether a node's agent answers, 1 or 0.", "node", gauges.links);
  byLabel("qmesh_guests", "Guests known, by state.", "state", gauges.guests);

  function byLabel(name: string, help: string, label: string, read: () => ReadonlyMap<string, number>): void {
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers,
      collect() {
        this.reset();
        for (const [value, number] of read()) this.set({ [label]: value }, number);
      },
    });
  }
  return {
    operationEnded: (kind, state, duration) => {
      ended.inc({ kind, state });
      seconds.observe({ kind }, duration);
    },
    page: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}
