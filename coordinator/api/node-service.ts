import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { NodeService, WatchNodesResponseSchema } from "../../gen/qmesh/v1/node_service_pb.js";
import { clusterBaseline } from "../domain/cluster-baseline.ts";
import type { OperationDeps } from "../operations/deps.ts";
import { requireCluster } from "../operations/intake/vm.ts";
import { pageOf } from "./paging.ts";
import type { ServiceParts } from "./service-parts.ts";
import { toCpuBaseline, toNode } from "./to-proto.ts";

const defaultPageSize = 100;
const aliveMs = 10_000;

/** qmesh.v1.NodeService. Requests have been validated. */
export function nodeService({ deps }: ServiceParts): ServiceImpl<typeof NodeService> {
  const baseline = () => toCpuBaseline(clusterBaseline(deps.cluster.nodes()));
  return {
    listNodes: async ({ cluster, name, ...paging }) => {
      requireCluster(deps, cluster);
      const nodes = deps.cluster.nodes().filter((node) => name === "" || node.name === name);
      const { page, nextPageToken } = pageOf(nodes, (node) => node.name, paging, defaultPageSize);
      return {
        nodes: page.map((node) => toNode(node, deps.settings.mainNode)),
        nextPageToken,
        cpuBaseline: baseline(),
      };
    },
    watchNodes: ({ cluster }, { signal }) => {
      requireCluster(deps, cluster);
      return watchNodes(deps, signal);
    },
    getCpuBaseline: async ({ cluster }) => {
      requireCluster(deps, cluster);
      return { cpuBaseline: baseline() };
    },
  };
}

/** Every node at once, then each one that changed. A reader who is slow gets the newest state, not every one. */
async function* watchNodes(
  { cluster, settings }: OperationDeps,
  signal: AbortSignal,
): AsyncGenerator<MessageInitShape<typeof WatchNodesResponseSchema>> {
  const changed = new Set(cluster.nodes().map(({ name }) => name));
  let wake = () => {};
  const unsubscribe = cluster.subscribe((name) => {
    changed.add(name);
    wake();
  });
  const onAbort = () => wake();
  signal.addEventListener("abort", onAbort, { once: true });
  let sequence = 0n;
  try {
    while (!signal.aborted) {
      const [name] = changed;
      const node = name === undefined ? undefined : cluster.node(name);
      if (name !== undefined) changed.delete(name);
      if (node) {
        const value = toNode(node, settings.mainNode);
        yield { sequence: ++sequence, eventTime: timestampNow(), event: { case: "node", value } };
        continue;
      }
      const { promise, resolve } = Promise.withResolvers<"changed" | "nothing">();
      wake = () => resolve("changed");
      const timer = setTimeout(() => resolve("nothing"), aliveMs);
      const what = changed.size > 0 || signal.aborted ? "changed" : await promise;
      clearTimeout(timer);
      if (what === "nothing") {
        const value = { nodeCount: cluster.nodes().length };
        yield { sequence: ++sequence, eventTime: timestampNow(), event: { case: "alive", value } };
      }
    }
  } finally {
    unsubscribe();
    signal.removeEventListener("abort", onAbort);
  }
}
