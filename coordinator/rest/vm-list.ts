import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { GuestState } from "../../gen/qmesh/v1/guest_pb.js";
import { LinkState, type Node, NodeSchema } from "../../gen/qmesh/v1/node_pb.js";
import { ListNodesRequestSchema } from "../../gen/qmesh/v1/node_service_pb.js";
import { type Vm, VmSchema } from "../../gen/qmesh/v1/vm_pb.js";
import { ListVmsRequestSchema } from "../../gen/qmesh/v1/vm_service_pb.js";
import type { Services } from "../api/services.ts";

const pageSize = 1000;
const gib = 2 ** 30;

/** The words for a VM's state. A paused VM runs, as `qm list` has it; `state` tells the difference. */
const stateNames: Readonly<Record<GuestState, string>> = {
  [GuestState.UNSPECIFIED]: "unknown",
  [GuestState.RUNNING]: "running",
  [GuestState.STOPPED]: "stopped",
  [GuestState.PAUSED]: "paused",
  [GuestState.UNKNOWN]: "unknown",
};

/** The list of all VMs and nodes, in the form that go-pve-qemu documents, with each VM's `state` added. */
export async function listAll({ vm, node }: Services, context: HandlerContext): Promise<object> {
  const vms: Vm[] = [];
  for (let pageToken = ""; ; ) {
    const page = await vm.listVms(create(ListVmsRequestSchema, { pageSize, pageToken }), context);
    vms.push(...(page.vms ?? []).map((entry) => create(VmSchema, entry)));
    pageToken = page.nextPageToken ?? "";
    if (pageToken === "") break;
  }
  const { nodes = [] } = await node.listNodes(create(ListNodesRequestSchema, { pageSize }), context);
  return { success: true, vms: vms.map(toRow), nodes: nodes.map((entry) => toNodeRow(create(NodeSchema, entry))) };
}

function toRow(vm: Vm): object {
  const disk = vm.disks.find(({ boot }) => boot) ?? vm.disks.find(({ cdrom }) => !cdrom);
  return {
    vmid: vm.vmid,
    name: vm.name,
    os: vm.os,
    running: vm.state === GuestState.RUNNING || vm.state === GuestState.PAUSED,
    state: stateNames[vm.state],
    node: vm.node,
    cpu: vm.coreCount,
    disk: Math.round(Number(disk?.sizeBytes ?? 0n) / gib),
    memory: vm.memoryMib,
    memory_used: vm.memoryUsedMib,
  };
}

/** Ratios are 0 for what is not known: JSON has no NaN. */
function toNodeRow(node: Node): object {
  const ratio = (part: number, whole: number) => (whole > 0 ? Math.round((part / whole) * 10_000) / 10_000 : 0);
  const storage = node.storages.find(({ name }) => name === "local") ?? node.storages.find(({ active }) => active);
  return {
    node: node.name,
    max_cpu: node.coreCount,
    max_memory: Number(node.memoryMib),
    cpu: Math.round(node.cpuRatio * 10_000) / 10_000,
    memory: ratio(Number(node.memoryUsedMib), Number(node.memoryMib)),
    memory_used: Number(node.memoryUsedMib),
    disk: ratio(Number(storage?.usedBytes ?? 0n), Number(storage?.totalBytes ?? 0n)),
    running: node.freshness?.linkState === LinkState.CONNECTED,
  };
}

/** The word for the `status` route, and whether it is known at all. */
export function statusWord(state: GuestState | undefined): { readonly word: string; readonly known: boolean } {
  const name = stateNames[state ?? GuestState.UNKNOWN];
  return { word: name === "paused" ? "running" : name, known: name !== "unknown" };
}
