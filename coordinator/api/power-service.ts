import { type Duration, durationMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { PowerService } from "../../gen/qmesh/v1/power_service_pb.js";
import type { Guest } from "../domain/guest.ts";
import type { OperationDeps } from "../operations/deps.ts";
import type { RunnablePipeline } from "../operations/engine/pipeline.ts";
import { startOperation } from "../operations/intake/start.ts";
import {
  onVm,
  requireCluster,
  requireNoTemplate,
  requireReachableVm,
  requireRunning,
} from "../operations/intake/vm.ts";
import { rebootVm, resetVm, resumeVm, shutdownVm, startVm, stopVm, suspendVm } from "../operations/power.ts";
import { finishOperation, streamOperation } from "./operation-stream.ts";
import type { ServiceParts } from "./service-parts.ts";

const defaultTimeoutS = 60;

interface PowerRequest {
  readonly cluster: string;
  readonly vmid: number;
  readonly requestId: string;
}

/** qmesh.v1.PowerService. Requests have been validated. */
export function powerService(parts: ServiceParts): ServiceImpl<typeof PowerService> {
  const { deps, operations } = parts;
  const start = (
    pipeline: RunnablePipeline<OperationDeps>,
    { cluster, vmid, requestId }: PowerRequest,
    check: (guest: Guest) => void,
    input: Readonly<Record<string, unknown>> = {},
  ) => {
    requireCluster(deps, cluster);
    return startOperation(deps, operations, pipeline, { requestId }, { vmid, ...input }, () => {
      const guest = requireReachableVm(deps, vmid);
      check(guest);
      return onVm(guest, input);
    });
  };
  const anyState = () => {};
  return {
    async *startVm(request, { signal }) {
      const { operationId } = await start(startVm, request, requireNoTemplate);
      yield* streamOperation(parts, operationId, 0, signal);
    },
    stopVm: async (request, { signal }) =>
      finishOperation(parts, await start(stopVm, request, anyState), request.noWait, signal),
    shutdownVm: async (request, { signal }) => {
      const input = { timeoutS: timeoutOf(request), force: request.force };
      return finishOperation(parts, await start(shutdownVm, request, anyState, input), request.noWait, signal);
    },
    async *rebootVm(request, { signal }) {
      const { operationId } = await start(rebootVm, request, requireRunning, { timeoutS: timeoutOf(request) });
      yield* streamOperation(parts, operationId, 0, signal);
    },
    resetVm: async (request, { signal }) =>
      finishOperation(parts, await start(resetVm, request, requireRunning), request.noWait, signal),
    suspendVm: async (request, { signal }) =>
      finishOperation(parts, await start(suspendVm, request, requireRunning), request.noWait, signal),
    resumeVm: async (request, { signal }) =>
      finishOperation(parts, await start(resumeVm, request, requireRunning), request.noWait, signal),
  };
}

function timeoutOf({ timeout }: { readonly timeout?: Duration | undefined }): number {
  return timeout ? Math.ceil(durationMs(timeout) / 1000) : defaultTimeoutS;
}
