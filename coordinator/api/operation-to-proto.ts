import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { GuestKind } from "../../gen/qmesh/v1/guest_pb.js";
import {
  NoticeLevel,
  type OperationErrorSchema,
  type OperationEventSchema,
  type OperationSchema,
  OperationState as ProtoState,
  StepState as ProtoStepState,
} from "../../gen/qmesh/v1/operation_pb.js";
import type { EventKind, OperationEvent, OperationState, StepState } from "../operations/engine/events.ts";
import type { OperationRow, StepRow } from "../operations/engine/journal.ts";
import type { Failure, NoticeLevel as Level } from "../operations/engine/step.ts";

/** Operations and their events as messages of the public contract. */

const states: Record<OperationState, ProtoState> = {
  queued: ProtoState.QUEUED,
  running: ProtoState.RUNNING,
  unwinding: ProtoState.UNWINDING,
  succeeded: ProtoState.SUCCEEDED,
  failed: ProtoState.FAILED,
  cancelled: ProtoState.CANCELLED,
  stuck: ProtoState.STUCK,
};
const stepStates: Record<StepState, ProtoStepState> = {
  running: ProtoStepState.RUNNING,
  succeeded: ProtoStepState.SUCCEEDED,
  failed: ProtoStepState.FAILED,
  undone: ProtoStepState.UNDONE,
  stuck: ProtoStepState.STUCK,
};
const levels: Record<Level, NoticeLevel> = {
  info: NoticeLevel.INFO,
  success: NoticeLevel.SUCCESS,
  warning: NoticeLevel.WARNING,
};

/** The contract's state as the engine's; undefined for UNSPECIFIED. */
export function fromOperationState(state: ProtoState): OperationState | undefined {
  return (Object.keys(states) as OperationState[]).find((name) => states[name] === state);
}

export function toOperation(row: OperationRow, steps: readonly StepRow[]): MessageInitShape<typeof OperationSchema> {
  return {
    operationId: row.operationId,
    cluster: row.cluster,
    kind: row.kind,
    state: states[row.state],
    guestKind:
      row.guestKind === "vm"
        ? GuestKind.VM
        : row.guestKind === "container"
          ? GuestKind.CONTAINER
          : GuestKind.UNSPECIFIED,
    vmid: row.vmid,
    node: row.node,
    address: row.address,
    requestId: row.requestId,
    createTime: timestampFromDate(row.createTime),
    ...(row.endTime ? { endTime: timestampFromDate(row.endTime) } : {}),
    steps: steps.map((step) => ({
      name: step.name,
      state: stepStates[step.state],
      startTime: timestampFromDate(step.startTime),
      ...(step.endTime ? { endTime: timestampFromDate(step.endTime) } : {}),
    })),
    lastSequence: BigInt(row.lastSequence),
    ...(row.error ? { error: toError(row.error) } : {}),
  };
}

export function toEvent(operationId: string, event: OperationEvent): MessageInitShape<typeof OperationEventSchema> {
  return {
    operationId,
    sequence: BigInt(event.sequence),
    eventTime: timestampFromDate(event.time),
    step: event.step,
    phase: event.phase,
    message: event.message,
    vmid: event.vmid,
    address: event.address,
    event: toKind(event.event),
  };
}

function toKind(kind: EventKind): NonNullable<MessageInitShape<typeof OperationEventSchema>["event"]> {
  switch (kind.type) {
    case "step-started":
      return { case: "stepStarted", value: {} };
    case "step-finished":
      return { case: "stepFinished", value: { elapsed: durationFromMs(kind.elapsedMs) } };
    case "step-failed":
      return { case: "stepFailed", value: { elapsed: durationFromMs(kind.elapsedMs), error: toError(kind.error) } };
    case "step-undone":
      return { case: "stepUndone", value: { elapsed: durationFromMs(kind.elapsedMs) } };
    case "log-line":
      return { case: "logLine", value: { text: kind.text } };
    case "progress":
      return { case: "progress", value: { doneBytes: BigInt(kind.doneBytes), totalBytes: BigInt(kind.totalBytes) } };
    case "notice":
      return { case: "notice", value: { level: levels[kind.level] } };
    case "finished": {
      const { state, elapsedMs, error } = kind;
      return {
        case: "finished",
        value: {
          state: states[state],
          elapsed: durationFromMs(elapsedMs),
          ...(error ? { error: toError(error) } : {}),
        },
      };
    }
    default:
      throw new Error(`no message for ${JSON.stringify(kind satisfies never)}`);
  }
}

function toError({ kind, reason, message, metadata, step }: Failure): MessageInitShape<typeof OperationErrorSchema> {
  return { kind, message, step, info: { reason, domain: "qmesh", metadata: { ...metadata } } };
}
