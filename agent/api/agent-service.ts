import { durationMs } from "@bufbuild/protobuf/wkt";
import { type AgentService, ProbeMethod } from "../../gen/qmesh/agent/v1/agent_service_pb.js";
import { GuestKind } from "../../gen/qmesh/v1/guest_pb.js";
import type { CommandService } from "../commands/command-service.ts";
import { AgentError } from "../errors.ts";
import { probeByArp, probeByTcp } from "../guests/probe-address.ts";
import type { HostPaths } from "../host/host-paths.ts";
import type { ImageCache } from "../images/image-cache.ts";
import { readTaskLog } from "../pve/task-log.ts";
import { parseUpid } from "../pve/upid.ts";
import type { FactsReader } from "../state/facts-reader.ts";
import type { NodeWatcher } from "../state/node-watcher.ts";
import type { Handlers } from "./grpc-service.ts";
import { pullImage } from "./images.ts";
import { runCommand } from "./run.ts";
import { toGuest, toRecord, toState, toStorage } from "./to-proto.ts";
import { tunnel } from "./tunnel.ts";
import { watchNode } from "./watch.ts";

/** What the service is made of. */
export interface AgentParts {
  readonly paths: HostPaths;
  readonly watcher: NodeWatcher;
  readonly facts: FactsReader;
  readonly commands: CommandService;
  readonly images: ImageCache;
}

const maxProbeMs = 10_000;

/** The handlers of qmesh.agent.v1.AgentService. */
export function agentHandlers({ paths, watcher, facts, commands, images }: AgentParts): Handlers<typeof AgentService> {
  return {
    watch: (_request, { signal }) => watchNode(watcher, signal),
    run: (request, { signal }) => runCommand(request, commands, watcher, signal),
    pullImage: (request, { signal }) => pullImage(request, images, signal),
    tunnel: (requests, { signal }) => tunnel(requests, watcher, paths.qemuRun, signal),
    cancelCommand: async ({ commandId }) => ({ state: toState(commands.cancel(commandId).record) }),
    getCommand: async ({ commandId }) => ({ record: toRecord(commands.find(commandId).record) }),
    deleteImage: async ({ imageId }) => ({ deleted: await images.remove(imageId) }),

    getGuestConfig: async ({ vmid }) => {
      const guest = await watcher.readGuest(vmid);
      if (guest) return { guest: toGuest(guest) };
      throw new AgentError("not-found", "VM_NOT_FOUND", `there is no guest ${vmid} on this node`, {
        vmid: String(vmid),
      });
    },

    getTaskLog: async ({ upid: text }) => {
      const upid = parseUpid(text);
      if (!upid) throw new AgentError("invalid", "UPID_INVALID", `"${text.slice(0, 100)}" is not a UPID`);
      const log = await readTaskLog(paths.tasks, upid);
      if (log) return { lines: [...log.lines], running: log.running };
      throw new AgentError("not-found", "TASK_NOT_FOUND", `there is no log of task ${text}`, { upid: text });
    },

    getStorageStatus: async ({ name }) => {
      const { node } = watcher.state.facts;
      return { storages: (await facts.readStorages(node, await facts.readRrd(node), name)).map(toStorage) };
    },

    probeAddress: async ({ address, method, tcpPort, timeout }) => {
      const timeoutMs = Math.min(timeout ? durationMs(timeout) : 1000, maxProbeMs);
      if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(address))
        throw new AgentError("invalid", "ADDRESS_INVALID", `"${address.slice(0, 100)}" is not an IPv4 address`);
      if (method === ProbeMethod.ARP) return probeByArp(paths.proc, address, timeoutMs);
      if (method === ProbeMethod.TCP && tcpPort >= 1 && tcpPort <= 65_535)
        return probeByTcp(address, tcpPort, timeoutMs);
      throw new AgentError("invalid", "PROBE_INVALID", "a probe needs a method, and for TCP a port of 1 to 65535");
    },

    listGuests: async ({ nodes, kind }) => {
      const wantedKind = kind === GuestKind.VM ? "vm" : "container";
      const guests = await watcher.readClusterGuests(
        (entry) =>
          (nodes.length === 0 || nodes.includes(entry.node)) &&
          (kind === GuestKind.UNSPECIFIED || entry.kind === wantedKind),
      );
      return { guests: guests.map(toGuest) };
    },
  };
}
