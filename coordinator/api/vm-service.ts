import { type ServiceImpl } from "@connectrpc/connect";
import type { InstallVmRequest } from "../../gen/qmesh/v1/vm_service_pb.js";
import { type VmService } from "../../gen/qmesh/v1/vm_service_pb.js";
import type { Guest } from "../domain/guest.ts";
import { growVmDisk, updateVm } from "../operations/change-vm.ts";
import { destroyVm } from "../operations/destroy-vm.ts";
import { installVm } from "../operations/install-vm.ts";
import { admitGrowth, admitUpdate } from "../operations/intake/change-vm.ts";
import { admitInstall, comparableInstall, type InstallRequest, planInstall } from "../operations/intake/install-vm.ts";
import { admitMigration } from "../operations/intake/migrate-vm.ts";
import { startOperation } from "../operations/intake/start.ts";
import { onVm, requireCluster, requireReachableVm } from "../operations/intake/vm.ts";
import { migrateVm } from "../operations/migrate-vm.ts";
import { finishOperation, streamOperation } from "./operation-stream.ts";
import { pageOf } from "./paging.ts";
import type { ServiceParts } from "./service-parts.ts";
import { fromGuestState, toFreshness, toInstallPlan, toVm } from "./to-proto.ts";

const defaultPageSize = 100;

/** qmesh.v1.VmService. Requests have been validated. */
export function vmService(parts: ServiceParts): ServiceImpl<typeof VmService> {
  const { deps, operations, hashPassword } = parts;
  const show = (guest: Guest) => toVm(guest, deps.images.systems(), deps.clock.now());
  return {
    async *installVm(request, { signal }) {
      requireCluster(deps, request.cluster);
      const wanted = toInstallRequest(request);
      if (request.validateOnly) {
        yield { message: { case: "plan", value: toInstallPlan(await planInstall(deps, wanted)) } };
        return;
      }
      const { operationId } = await startOperation(
        deps,
        operations,
        installVm,
        request,
        comparableInstall(deps, wanted),
        () => admitInstall(deps, wanted, hashPassword),
      );
      yield* streamOperation(parts, operationId, 0, signal);
    },

    getVm: async ({ cluster, vmid }) => {
      requireCluster(deps, cluster);
      return { vm: show(deps.cluster.requireVm(vmid)) };
    },

    listVms: async (request) => {
      requireCluster(deps, request.cluster);
      const state = fromGuestState(request.state);
      const name = request.name.toLowerCase();
      const matching = deps.cluster
        .guests("vm")
        .filter(
          (guest) =>
            (request.node === "" || guest.node === request.node) &&
            (state === undefined || guest.state === state) &&
            guest.config.name.toLowerCase().includes(name) &&
            (request.tag === "" || guest.config.tags.includes(request.tag)),
        );
      const { page, nextPageToken } = pageOf(matching, ({ vmid }) => vmid, request, defaultPageSize);
      return { vms: page.map(show), nextPageToken, freshness: deps.cluster.nodes().map(toFreshness) };
    },

    updateVm: async ({ cluster, vmid, coreCount, memoryMib, requestId, noWait }, { signal }) => {
      requireCluster(deps, cluster);
      const changes = {
        ...(coreCount === undefined ? {} : { coreCount }),
        ...(memoryMib === undefined ? {} : { memoryMib }),
      };
      const row = await startOperation(deps, operations, updateVm, { requestId }, { vmid, ...changes }, () =>
        admitUpdate(deps, vmid, changes),
      );
      return finishOperation(parts, row, noWait, signal);
    },

    growVmDisk: async ({ cluster, vmid, slot, size, requestId, noWait }, { signal }) => {
      requireCluster(deps, cluster);
      const growth = {
        slot,
        ...(size.case === "growByBytes" ? { growByBytes: Number(size.value) } : {}),
        ...(size.case === "sizeBytes" ? { sizeBytes: Number(size.value) } : {}),
      };
      const row = await startOperation(deps, operations, growVmDisk, { requestId }, { vmid, ...growth }, () =>
        admitGrowth(deps, vmid, growth),
      );
      return finishOperation(parts, row, noWait, signal);
    },

    async *migrateVm({ cluster, vmid, targetNode, requestId }, { signal }) {
      requireCluster(deps, cluster);
      const { operationId } = await startOperation(
        deps,
        operations,
        migrateVm,
        { requestId },
        { vmid, targetNode },
        () => admitMigration(deps, vmid, targetNode),
      );
      yield* streamOperation(parts, operationId, 0, signal);
    },

    destroyVm: async ({ cluster, vmid, requestId, noWait }, { signal }) => {
      requireCluster(deps, cluster);
      const row = await startOperation(deps, operations, destroyVm, { requestId }, { vmid }, () =>
        onVm(requireReachableVm(deps, vmid)),
      );
      return finishOperation(parts, row, noWait, signal);
    },
  };
}

function toInstallRequest(request: InstallVmRequest): InstallRequest {
  const { coreCount, memoryMib, diskSizeBytes } = request;
  return {
    vmid: request.vmid,
    name: request.name,
    node: request.node,
    os: request.source.value?.os ?? "",
    version: request.source.value?.version ?? "",
    sizes: { coreCount, memoryMib, diskSizeBytes: Number(diskSizeBytes) },
    user: request.user,
    password: request.password,
    sshPublicKeys: request.sshPublicKeys,
    storage: request.storage,
    bridge: request.bridge,
  };
}
