import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type CommandOutcomeSchema,
  type CommandRecordSchema,
  CommandState,
} from "../../gen/qmesh/agent/v1/command_pb.js";
import {
  type CachedImageSchema,
  type GuestSchema,
  type HostUsageSchema,
  type NodeStateSchema,
  type StorageStatusSchema,
} from "../../gen/qmesh/agent/v1/node_state_pb.js";
import { GuestKind, GuestState as ProtoGuestState } from "../../gen/qmesh/v1/guest_pb.js";
import type { CommandOutcome, CommandRecord } from "../commands/record.ts";
import type { StorageStatus } from "../host/storage-status.ts";
import type { HostUsage } from "../host/usage.ts";
import type { CachedImage } from "../images/cached-image.ts";
import type { Guest, GuestState } from "../pve/guest.ts";
import type { NodeFacts } from "../state/node-state.ts";

const protoState: Record<GuestState, ProtoGuestState> = {
  running: ProtoGuestState.RUNNING,
  stopped: ProtoGuestState.STOPPED,
  paused: ProtoGuestState.PAUSED,
  unknown: ProtoGuestState.UNKNOWN,
};

/** A guest for the wire. Its SSH keys stay here. */
export function toGuest({ config, usage, ...guest }: Guest): MessageInitShape<typeof GuestSchema> {
  const { sshPublicKeys: _kept, ...shown } = config;
  return {
    ...guest,
    kind: guest.kind === "vm" ? GuestKind.VM : GuestKind.CONTAINER,
    state: protoState[guest.state],
    config: {
      ...shown,
      tags: [...config.tags],
      pendingOptions: [...config.pendingOptions],
      disks: config.disks.map((disk) => ({ ...disk, sizeBytes: BigInt(disk.sizeBytes) })),
      nics: config.nics.map((nic) => ({ ...nic, addresses: [...nic.addresses] })),
    },
    ...(usage
      ? {
          usage: {
            cpuRatio: usage.cpuRatio,
            memoryUsedBytes: BigInt(usage.memoryUsedBytes),
            startTime: timestampFromDate(usage.startTime),
          },
        }
      : {}),
  };
}

/** What seldom changes, for the wire. */
export function toFacts(facts: NodeFacts) {
  return {
    ...facts,
    members: [...facts.members],
    cpu: { ...facts.cpu, flags: [...facts.cpu.flags] },
    storages: facts.storages.map(toStorage),
    bridges: [...facts.bridges],
    images: facts.images.map(toImage),
  } satisfies MessageInitShape<typeof NodeStateSchema>;
}

export function toUsage(usage: HostUsage): MessageInitShape<typeof HostUsageSchema> {
  return {
    cpuRatio: usage.cpuRatio,
    memoryBytes: BigInt(usage.memoryBytes),
    memoryUsedBytes: BigInt(usage.memoryUsedBytes),
    uptimeS: BigInt(usage.uptimeS),
  };
}

export function toStorage(storage: StorageStatus): MessageInitShape<typeof StorageStatusSchema> {
  return {
    ...storage,
    content: [...storage.content],
    totalBytes: BigInt(storage.totalBytes),
    usedBytes: BigInt(storage.usedBytes),
    availableBytes: BigInt(storage.availableBytes),
  };
}

export function toImage(image: CachedImage): MessageInitShape<typeof CachedImageSchema> {
  return { ...image, sizeBytes: BigInt(image.sizeBytes), verifyTime: timestampFromDate(image.verifyTime) };
}

export function toRecord(record: CommandRecord): MessageInitShape<typeof CommandRecordSchema> {
  return {
    commandId: record.commandId,
    argv: [...record.argv],
    vmid: record.command.vmid,
    state: toState(record),
    startTime: timestampFromDate(new Date(record.startTime)),
    ...(record.outcome ? { outcome: toOutcome(record.outcome) } : {}),
    logTail: [...record.logTail],
  };
}

/** Where a command stands. */
export function toState({ outcome }: CommandRecord): CommandState {
  if (!outcome) return CommandState.RUNNING;
  return outcome.succeeded ? CommandState.SUCCEEDED : CommandState.FAILED;
}

/** How a command ended; `guest` is the guest as it is now, if this node has it. */
export function toOutcome(outcome: CommandOutcome, guest?: Guest): MessageInitShape<typeof CommandOutcomeSchema> {
  return {
    end: toEnd(outcome.end),
    stopped: outcome.stopped ?? "",
    state: outcome.succeeded ? CommandState.SUCCEEDED : CommandState.FAILED,
    ...(outcome.error ? { error: { ...outcome.error, metadata: { ...outcome.error.metadata } } } : {}),
    stderrTail: outcome.stderrTail,
    endTime: timestampFromDate(new Date(outcome.endTime)),
    ...(guest ? { guest: toGuest(guest) } : {}),
    upid: outcome.upid,
  };
}

function toEnd(end: CommandOutcome["end"]): NonNullable<MessageInitShape<typeof CommandOutcomeSchema>["end"]> {
  if ("exitCode" in end) return { case: "exitCode", value: end.exitCode };
  if ("signal" in end) return { case: "signal", value: end.signal };
  if ("spawnFailed" in end) return { case: "spawnFailed", value: end.spawnFailed };
  if ("lost" in end) return { case: "lost", value: end.lost };
  return { case: "notNeeded", value: end.notNeeded };
}
