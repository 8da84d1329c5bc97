import { timestampDate } from "@bufbuild/protobuf/wkt";
import { CommandState, type CommandOutcome as ProtoOutcome } from "../../gen/qmesh/agent/v1/command_pb.js";
import type {
  Guest as ProtoGuest,
  CachedImage as ProtoImage,
  NodeState as ProtoState,
  HostUsage as ProtoUsage,
} from "../../gen/qmesh/agent/v1/node_state_pb.js";
import { GuestState as ProtoGuestState, GuestKind as ProtoKind } from "../../gen/qmesh/v1/guest_pb.js";
import type { ErrorKind } from "../domain/errors.ts";
import type { Guest, GuestState } from "../domain/guest.ts";
import type { CachedImage, NodeFacts, NodeState, NodeUsage } from "../domain/node.ts";
import type { CommandOutcome } from "../ports/node-client.ts";

/** Messages of the mesh as the domain's own types. */

const states: Record<ProtoGuestState, GuestState> = {
  [ProtoGuestState.UNSPECIFIED]: "unknown",
  [ProtoGuestState.RUNNING]: "running",
  [ProtoGuestState.STOPPED]: "stopped",
  [ProtoGuestState.PAUSED]: "paused",
  [ProtoGuestState.UNKNOWN]: "unknown",
};

export function fromGuest({ config, usage, ...guest }: ProtoGuest): Guest {
  return {
    vmid: guest.vmid,
    kind: guest.kind === ProtoKind.CONTAINER ? "container" : "vm",
    node: guest.node,
    state: states[guest.state],
    pid: guest.pid,
    config: {
      name: config?.name ?? "",
      coreCount: config?.coreCount ?? 0,
      memoryMib: config?.memoryMib ?? 0,
      cpuType: config?.cpuType ?? "",
      tags: config?.tags ?? [],
      template: config?.template ?? false,
      lock: config?.lock ?? "",
      smbiosUuid: config?.smbiosUuid ?? "",
      disks: (config?.disks ?? []).map(({ slot, volumeId, sizeBytes, boot, cdrom }) => ({
        slot,
        volumeId,
        sizeBytes: Number(sizeBytes),
        boot,
        cdrom,
      })),
      nics: (config?.nics ?? []).map(({ slot, model, macAddress, bridge, vlanTag, addresses, gateway }) => ({
        slot,
        model,
        macAddress,
        bridge,
        vlanTag,
        addresses,
        gateway,
      })),
      pendingOptions: config?.pendingOptions ?? [],
      cloudInitUser: config?.cloudInitUser ?? "",
    },
    ...(usage?.startTime
      ? {
          usage: {
            cpuRatio: usage.cpuRatio,
            memoryUsedBytes: Number(usage.memoryUsedBytes),
            startTime: timestampDate(usage.startTime),
          },
        }
      : {}),
  };
}

export function fromFacts(state: ProtoState): NodeFacts {
  return {
    node: state.node,
    agentVersion: state.agentVersion,
    bootId: state.bootId,
    pveVersion: state.pveVersion,
    clusterName: state.clusterName,
    quorate: state.quorate,
    members: state.members.map(({ name, online, address }) => ({ name, online, address })),
    cpu: { model: state.cpu?.model ?? "", flags: state.cpu?.flags ?? [], coreCount: state.cpu?.coreCount ?? 0 },
    storages: state.storages.map(({ name, type, shared, active, content, ...bytes }) => ({
      name,
      type,
      shared,
      active,
      content,
      totalBytes: Number(bytes.totalBytes),
      usedBytes: Number(bytes.usedBytes),
      availableBytes: Number(bytes.availableBytes),
    })),
    bridges: state.bridges,
    images: state.images.map(fromImage),
  };
}

export function fromUsage(usage: ProtoUsage | undefined): NodeUsage {
  return {
    cpuRatio: usage?.cpuRatio ?? 0,
    memoryBytes: Number(usage?.memoryBytes ?? 0),
    memoryUsedBytes: Number(usage?.memoryUsedBytes ?? 0),
    uptimeS: Number(usage?.uptimeS ?? 0),
  };
}

export function fromNodeState(state: ProtoState): NodeState {
  return { facts: fromFacts(state), usage: fromUsage(state.usage), guests: state.guests.map(fromGuest) };
}

export function fromImage(image: ProtoImage): CachedImage {
  return {
    imageId: image.imageId,
    url: image.url,
    sizeBytes: Number(image.sizeBytes),
    checksumAlgorithm: image.checksumAlgorithm,
    checksum: image.checksum,
    verifyTime: image.verifyTime ? timestampDate(image.verifyTime) : new Date(0),
  };
}

export function fromOutcome(outcome: ProtoOutcome): CommandOutcome {
  const { error, guest } = outcome;
  return {
    succeeded: outcome.state === CommandState.SUCCEEDED,
    ...(error
      ? {
          error: {
            kind: error.kind as ErrorKind,
            reason: error.reason,
            message: error.message,
            metadata: error.metadata,
          },
        }
      : {}),
    notNeeded: outcome.end.case === "notNeeded" ? outcome.end.value : "",
    stderrTail: outcome.stderrTail,
    ...(guest ? { guest: fromGuest(guest) } : {}),
  };
}
