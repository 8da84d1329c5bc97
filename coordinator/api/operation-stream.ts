import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HeartbeatSchema, OperationEventSchema, OperationSchema } from "../../gen/qmesh/v1/operation_pb.js";
import type { OperationRow } from "../operations/engine/journal.ts";
import { toEvent, toOperation } from "./operation-to-proto.ts";
import type { ServiceParts } from "./service-parts.ts";

/** What every stream of an operation's events sends. */
export interface OperationMessage {
  readonly message:
    | { readonly case: "event"; readonly value: MessageInitShape<typeof OperationEventSchema> }
    | { readonly case: "heartbeat"; readonly value: MessageInitShape<typeof HeartbeatSchema> };
}

/** The events of an operation after a sequence, with signs of life in between. */
export async function* streamOperation(
  { operations }: ServiceParts,
  operationId: string,
  afterSequence: number,
  signal: AbortSignal,
): AsyncGenerator<OperationMessage> {
  for await (const item of operations.watch(operationId, afterSequence, signal))
    yield "event" in item
      ? { message: { case: "event", value: toEvent(operationId, item.event) } }
      : { message: { case: "heartbeat", value: { lastSequence: BigInt(item.heartbeat) } } };
}

/** Waits for an operation, unless the caller does not want to, and answers with it. Throws what it failed with. */
export async function finishOperation(
  { operations, journal }: ServiceParts,
  row: OperationRow,
  noWait: boolean,
  signal: AbortSignal,
): Promise<{ readonly operation: MessageInitShape<typeof OperationSchema> }> {
  const ended = noWait ? row : await operations.wait(row.operationId, signal);
  return { operation: toOperation(ended, await journal.steps(row.operationId)) };
}
