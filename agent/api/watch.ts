import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import type { WatchResponseSchema } from "../../gen/qmesh/agent/v1/agent_service_pb.js";
import type { NodeDelta } from "../state/node-state.ts";
import type { NodeWatcher } from "../state/node-watcher.ts";
import { toFacts, toGuest, toUsage } from "./to-proto.ts";

type WatchMessage = MessageInitShape<typeof WatchResponseSchema>;

/** Something is sent at least this often. */
const heartbeatMs = 3000;

/** Streams the node's state: all of it, then what changed, until the caller leaves or the agent stops. */
export async function* watchNode(watcher: NodeWatcher, callSignal: AbortSignal): AsyncGenerator<WatchMessage> {
  const signal = AbortSignal.any([callSignal, watcher.stopped]);
  const pending: NodeDelta[] = [];
  let wake = () => {};
  const unsubscribe = watcher.subscribe((delta) => {
    pending.push(delta);
    wake();
  });
  const onAbort = () => wake();
  signal.addEventListener("abort", onAbort, { once: true });
  let sequence = 0n;
  const message = (event: WatchMessage["event"]): WatchMessage => ({
    sequence: ++sequence,
    eventTime: timestampNow(),
    ...(event ? { event } : {}),
  });
  try {
    const { facts, usage, guests } = watcher.state;
    const full = { ...toFacts(facts), usage: toUsage(usage), guests: [...guests.values()].map(toGuest) };
    yield message({ case: "full", value: full });
    while (!signal.aborted) {
      if (pending.length === 0) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        const timer = setTimeout(resolve, heartbeatMs);
        await promise;
        clearTimeout(timer);
      }
      const delta = pending.shift();
      if (signal.aborted) return;
      yield message(delta ? { case: "delta", value: toDelta(delta) } : { case: "heartbeat", value: {} });
    }
  } finally {
    unsubscribe();
    signal.removeEventListener("abort", onAbort);
  }
}

function toDelta({ facts, usage, changedGuests, removedVmids }: NodeDelta) {
  return {
    changedGuests: changedGuests.map(toGuest),
    removedVmids: [...removedVmids],
    ...(facts ? { rest: toFacts(facts) } : {}),
    ...(usage ? { usage: toUsage(usage) } : {}),
  };
}
