import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { WatchOperationRequestSchema } from "../../gen/qmesh/v1/operation_service_pb.js";
import {
  RebootVmRequestSchema,
  ShutdownVmRequestSchema,
  StartVmRequestSchema,
  StopVmRequestSchema,
} from "../../gen/qmesh/v1/power_service_pb.js";
import {
  DestroyVmRequestSchema,
  GetVmRequestSchema,
  GrowVmDiskRequestSchema,
  MigrateVmRequestSchema,
  UpdateVmRequestSchema,
} from "../../gen/qmesh/v1/vm_service_pb.js";
import type { Services } from "../api/services.ts";
import { changeNames, installNames, parseCpu, parseGrowth, parseInstall, parseMemory, parseNode } from "./bodies.ts";
import type { SseSource } from "./sse.ts";
import { listAll, statusWord } from "./vm-list.ts";

/** What a route gets of a request. */
export interface RestRequest {
  /** The VMID of the path; 0 on routes without one. */
  readonly vmid: number;
  readonly operationId: string;
  readonly body: unknown;
  /** Empty: none. */
  readonly requestId: string;
  readonly afterSequence: number;
  readonly context: HandlerContext;
}

/** An answer of plain text. */
export interface TextAnswer {
  readonly text: string;
  readonly status?: number;
}

interface RouteBase {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** One line for docs and /openapi.json. */
  readonly summary: string;
  /** Begins the sentence of an error, as the seed has it. */
  readonly failure: string;
  /** The fields of the contract by the names that this route documents. */
  readonly names: ReadonlyMap<string, string>;
}

/** A route by the kind of its answer. */
export type Route = RouteBase &
  (
    | { readonly answer: "text"; readonly handle: (services: Services, request: RestRequest) => Promise<TextAnswer> }
    | { readonly answer: "json"; readonly handle: (services: Services, request: RestRequest) => Promise<object> }
    | {
        readonly answer: "sse";
        readonly handle: (services: Services, request: RestRequest) => AsyncIterable<SseSource>;
      }
  );

const ok = { text: "ok" };

/** The routes of go-pve-qemu, and one to follow operations: the same services as everywhere, under other names. */
export const routes: readonly Route[] = [
  {
    method: "GET",
    path: "/api/health",
    summary: "Answers ok while the coordinator serves.",
    answer: "text",
    failure: "failed to check health",
    names: new Map(),
    handle: async () => ok,
  },
  {
    method: "POST",
    path: "/api/vm/install",
    summary: "Installs a VM and streams its events.",
    answer: "sse",
    failure: "failed to install VM",
    names: installNames,
    handle: ({ vm }, { body, requestId, context }) => vm.installVm(parseInstall(body, requestId), context),
  },
  {
    method: "GET",
    path: "/api/vm/list",
    summary: "Lists all VMs and nodes.",
    answer: "json",
    failure: "failed to list VMs",
    names: changeNames,
    handle: (services, { context }) => listAll(services, context),
  },
  {
    method: "GET",
    path: "/api/vm/:id/status",
    summary: "Tells whether a VM is running or stopped; 503 when that is unknown.",
    answer: "text",
    failure: "failed to get VM status",
    names: changeNames,
    handle: async ({ vm }, { vmid, context }) => {
      const { vm: found } = await vm.getVm(create(GetVmRequestSchema, { vmid }), context);
      const { word, known } = statusWord(found?.state);
      return { text: word, status: known ? 200 : 503 };
    },
  },
  {
    method: "POST",
    path: "/api/vm/:id/start",
    summary: "Starts a VM and streams events until its SSH server answers.",
    answer: "sse",
    failure: "failed to start VM",
    names: changeNames,
    handle: ({ power }, { vmid, requestId, context }) =>
      power.startVm(create(StartVmRequestSchema, { vmid, requestId }), context),
  },
  {
    method: "POST",
    path: "/api/vm/:id/stop",
    summary: "Ends a VM at once.",
    answer: "text",
    failure: "failed to stop VM",
    names: changeNames,
    handle: async ({ power }, { vmid, requestId, context }) => {
      await power.stopVm(create(StopVmRequestSchema, { vmid, requestId }), context);
      return ok;
    },
  },
  {
    method: "POST",
    path: "/api/vm/:id/shutdown",
    summary: "Asks a guest to shut down.",
    answer: "text",
    failure: "failed to shutdown VM",
    names: changeNames,
    handle: async ({ power }, { vmid, requestId, context }) => {
      await power.shutdownVm(create(ShutdownVmRequestSchema, { vmid, requestId }), context);
      return ok;
    },
  },
  {
    method: "POST",
    path: "/api/vm/:id/reboot",
    summary: "Reboots a VM and streams events until its SSH server answers again.",
    answer: "sse",
    failure: "failed to reboot VM",
    names: changeNames,
    handle: ({ power }, { vmid, requestId, context }) =>
      power.rebootVm(create(RebootVmRequestSchema, { vmid, requestId }), context),
  },
  {
    method: "POST",
    path: "/api/vm/:id/destroy",
    summary: "Stops a VM and removes it with all its disks.",
    answer: "text",
    failure: "failed to destroy VM",
    names: changeNames,
    handle: async ({ vm }, { vmid, requestId, context }) => {
      await vm.destroyVm(create(DestroyVmRequestSchema, { vmid, requestId }), context);
      return ok;
    },
  },
  {
    method: "POST",
    path: "/api/vm/:id/set/cpu",
    summary: "Sets the number of cores.",
    answer: "text",
    failure: "failed to set CPU",
    names: changeNames,
    handle: async ({ vm }, { vmid, requestId, body, context }) => {
      await vm.updateVm(create(UpdateVmRequestSchema, { vmid, requestId, coreCount: parseCpu(body) }), context);
      return ok;
    },
  },
  {
    method: "POST",
    path: "/api/vm/:id/set/memory",
    summary: "Sets the memory in MB.",
    answer: "text",
    failure: "failed to set memory",
    names: changeNames,
    handle: async ({ vm }, { vmid, requestId, body, context }) => {
      await vm.updateVm(create(UpdateVmRequestSchema, { vmid, requestId, memoryMib: parseMemory(body) }), context);
      return ok;
    },
  },
  {
    method: "POST",
    path: "/api/vm/:id/set/disk",
    summary: "Grows the boot disk by an amount.",
    answer: "text",
    failure: "failed to set disk",
    names: changeNames,
    handle: async ({ vm }, { vmid, requestId, body, context }) => {
      const size = { case: "growByBytes" as const, value: parseGrowth(body) };
      await vm.growVmDisk(create(GrowVmDiskRequestSchema, { vmid, requestId, size }), context);
      return ok;
    },
  },
  {
    method: "POST",
    path: "/api/vm/:id/set/node",
    summary: "Migrates a VM to another node and streams events.",
    answer: "sse",
    failure: "failed to migrate VM",
    names: changeNames,
    handle: ({ vm }, { vmid, requestId, body, context }) =>
      vm.migrateVm(create(MigrateVmRequestSchema, { vmid, requestId, targetNode: parseNode(body) }), context),
  },
  {
    method: "GET",
    path: "/api/operations/:operationId/events",
    summary: "Streams the events of an operation, from the first or from Last-Event-ID on.",
    answer: "sse",
    failure: "failed to follow operation",
    names: new Map(),
    handle: ({ operation }, { operationId, afterSequence, context }) =>
      operation.watchOperation(
        create(WatchOperationRequestSchema, { operationId, afterSequence: BigInt(afterSequence) }),
        context,
      ),
  },
];
