import type { ServiceImpl } from "@connectrpc/connect";
import type { OperationService } from "../../gen/qmesh/v1/operation_service_pb.js";
import { CancelOutcome } from "../../gen/qmesh/v1/operation_service_pb.js";
import { requireCluster } from "../operations/intake/vm.ts";
import { streamOperation } from "./operation-stream.ts";
import { fromOperationState, toOperation } from "./operation-to-proto.ts";
import { fromPageToken, toPageToken } from "./paging.ts";
import type { ServiceParts } from "./service-parts.ts";

const defaultPageSize = 50;
const outcomes = {
  requested: CancelOutcome.REQUESTED,
  "already-requested": CancelOutcome.ALREADY_REQUESTED,
  "already-ended": CancelOutcome.ALREADY_ENDED,
};

/** qmesh.v1.OperationService. Requests have been validated. */
export function operationService(parts: ServiceParts): ServiceImpl<typeof OperationService> {
  const { deps, operations, journal } = parts;
  const show = async (operationId: string) =>
    toOperation(await operations.get(operationId), await journal.steps(operationId));
  return {
    getOperation: async ({ operationId }) => ({ operation: await show(operationId) }),

    listOperations: async ({ cluster, pageSize, pageToken, state: wanted, vmid, kind }) => {
      requireCluster(deps, cluster);
      const [time, operationId] = fromPageToken(pageToken, 2) ?? [];
      const size = pageSize || defaultPageSize;
      const state = fromOperationState(wanted);
      const filter = {
        cluster: deps.settings.cluster,
        ...(state ? { state } : {}),
        ...(vmid > 0 ? { vmid } : {}),
        ...(kind === "" ? {} : { kind }),
      };
      const before = time === undefined ? undefined : { createTime: new Date(time), operationId: String(operationId) };
      const rows = await journal.list(filter, size + 1, before);
      const page = rows.slice(0, size);
      const last = page.at(-1);
      return {
        operations: await Promise.all(page.map(async (row) => toOperation(row, await journal.steps(row.operationId)))),
        nextPageToken: rows.length > size && last ? toPageToken([last.createTime.toISOString(), last.operationId]) : "",
      };
    },

    watchOperation: ({ operationId, afterSequence }, { signal }) =>
      streamOperation(parts, operationId, Number(afterSequence), signal),

    cancelOperation: async ({ operationId }) => {
      const outcome = await operations.cancel(operationId);
      return { operation: await show(operationId), outcome: outcomes[outcome] };
    },
  };
}
