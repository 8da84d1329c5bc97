import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { GuestState as ProtoGuestState } from "../../gen/qmesh/v1/guest_pb.js";
import type { ImageSchema } from "../../gen/qmesh/v1/image_service_pb.js";
import {
  type CpuBaselineSchema,
  LinkState,
  type NodeFreshnessSchema,
  type NodeSchema,
} from "../../gen/qmesh/v1/node_pb.js";
import type { InstallPlanSchema, VmSchema } from "../../gen/qmesh/v1/vm_pb.js";
import { type CpuBaseline, cpuLevel } from "../domain/cpu-baseline.ts";
import type { Guest, GuestState } from "../domain/guest.ts";
import { type CatalogueImage, isPastEndOfLife } from "../domain/images.ts";
import type { KnownNode } from "../domain/node.ts";
import type { InstallPlan } from "../operations/intake/install-vm.ts";

/** The domain's own types as messages of the public contract. */

const mib = 2 ** 20;

const guestStates: Record<GuestState, ProtoGuestState> = {
  running: ProtoGuestState.RUNNING,
  stopped: ProtoGuestState.STOPPED,
  paused: ProtoGuestState.PAUSED,
  unknown: ProtoGuestState.UNKNOWN,
};

/** The contract's state as the domain's; undefined for UNSPECIFIED. */
export function fromGuestState(state: ProtoGuestState): GuestState | undefined {
  return (Object.keys(guestStates) as GuestState[]).find((name) => guestStates[name] === state);
}

export function toVm(guest: Guest, systems: readonly string[], now: Date): MessageInitShape<typeof VmSchema> {
  const { config, usage, unknown } = guest;
  return {
    vmid: guest.vmid,
    node: guest.node,
    name: config.name,
    state: guestStates[guest.state],
    ...(unknown
      ? {
          unknown: {
            reason: unknown.reason,
            ...(unknown.since ? { sinceTime: timestampFromDate(unknown.since) } : {}),
          },
        }
      : {}),
    os: osOf(guest, systems),
    coreCount: config.coreCount,
    cpuType: config.cpuType,
    memoryMib: config.memoryMib,
    memoryUsedMib: Math.round((usage?.memoryUsedBytes ?? 0) / mib),
    cpuRatio: usage?.cpuRatio ?? 0,
    ...(usage ? { uptime: durationFromMs(Math.max(0, now.getTime() - usage.startTime.getTime())) } : {}),
    tags: [...config.tags],
    disks: config.disks.map(({ slot, volumeId, sizeBytes, boot, cdrom }) => ({
      slot,
      volumeId,
      storage: volumeId.includes(":") ? volumeId.slice(0, volumeId.indexOf(":")) : "",
      sizeBytes: BigInt(sizeBytes),
      boot,
      cdrom,
    })),
    nics: config.nics.map((nic) => ({ ...nic, addresses: [...nic.addresses] })),
    template: config.template,
    lock: config.lock,
    pendingOptions: [...config.pendingOptions],
  };
}

/** The operating system that a VM's tags name, as this product and the seed set them. */
export function osOf({ config }: Guest, systems: readonly string[]): string {
  return config.tags.map((tag) => tag.toLowerCase()).find((tag) => systems.includes(tag)) ?? "";
}

export function toFreshness({ name, link }: KnownNode): MessageInitShape<typeof NodeFreshnessSchema> {
  const states = {
    connected: LinkState.CONNECTED,
    disconnected: LinkState.DISCONNECTED,
    "no-agent": LinkState.NO_AGENT,
  };
  return {
    node: name,
    linkState: states[link.state],
    ...(link.lastSeen ? { lastSeenTime: timestampFromDate(link.lastSeen) } : {}),
    reason: link.reason,
  };
}

export function toNode(node: KnownNode, mainNode: string): MessageInitShape<typeof NodeSchema> {
  const { name, facts, usage, guests } = node;
  return {
    name,
    freshness: toFreshness(node),
    main: name === mainNode,
    agentVersion: facts?.agentVersion ?? "",
    pveVersion: facts?.pveVersion ?? "",
    cpuModel: facts?.cpu.model ?? "",
    cpuFlags: [...(facts?.cpu.flags ?? [])],
    cpuLevel: facts ? cpuLevel(facts.cpu.flags) : "",
    coreCount: facts?.cpu.coreCount ?? 0,
    cpuRatio: usage?.cpuRatio ?? 0,
    memoryMib: BigInt(Math.round((usage?.memoryBytes ?? 0) / mib)),
    memoryUsedMib: BigInt(Math.round((usage?.memoryUsedBytes ?? 0) / mib)),
    ...(usage ? { uptime: durationFromMs(usage.uptimeS * 1000) } : {}),
    storages: (facts?.storages ?? []).map((storage) => ({
      ...storage,
      content: [...storage.content],
      totalBytes: BigInt(storage.totalBytes),
      usedBytes: BigInt(storage.usedBytes),
      availableBytes: BigInt(storage.availableBytes),
    })),
    bridges: [...(facts?.bridges ?? [])],
    vmCount: guests.filter(({ kind }) => kind === "vm").length,
    containerCount: guests.filter(({ kind }) => kind === "container").length,
    quorate: facts?.quorate ?? false,
  };
}

export function toCpuBaseline(baseline: CpuBaseline): MessageInitShape<typeof CpuBaselineSchema> {
  return {
    ...baseline,
    uncertainBecause: [...baseline.uncertainBecause],
    blockers: baseline.blockers.map(({ node, missingFlags }) => ({ node, missingFlags: [...missingFlags] })),
  };
}

/** An image of the catalogue with the nodes that have it. */
export function toImage(
  image: CatalogueImage,
  nodes: readonly KnownNode[],
  now: Date,
): MessageInitShape<typeof ImageSchema> {
  return {
    os: image.os,
    version: image.version,
    arch: image.arch,
    url: image.url,
    checksumUrl: image.checksumUrl,
    checksumAlgorithm: image.checksumAlgorithm,
    defaultUser: image.defaultUser,
    endOfLife: image.endOfLife,
    endOfLifePassed: isPastEndOfLife(image, now),
    copies: nodes.flatMap(({ name, facts }) =>
      (facts?.images ?? [])
        .filter(({ imageId }) => imageId === image.imageId)
        .map(({ sizeBytes, checksum, verifyTime }) => ({
          node: name,
          sizeBytes: BigInt(sizeBytes),
          checksum,
          verifyTime: timestampFromDate(verifyTime),
        })),
    ),
  };
}

export function toInstallPlan(plan: InstallPlan): MessageInitShape<typeof InstallPlanSchema> {
  const { sizes, os, version, ...rest } = plan;
  return {
    ...rest,
    image: { os, version },
    coreCount: sizes.coreCount,
    memoryMib: sizes.memoryMib,
    diskSizeBytes: BigInt(sizes.diskSizeBytes),
    clamps: plan.clamps.map((clamp) => ({ ...clamp })),
    warnings: [...plan.warnings],
  };
}
