import { DomainError } from "../../domain/errors.ts";
import type { Guest } from "../../domain/guest.ts";
import type { KnownNode } from "../../domain/node.ts";
import { placeVm } from "../../domain/placement.ts";
import type { OperationDeps } from "../deps.ts";
import { nothingToUndo, type Step } from "../engine/step.ts";
import { runOnNode, unreachable, waitToShow } from "./run-on-node.ts";

type Located = { readonly vmid: number; readonly node: string };

/** Decides where to, when that is left open, and checks that the target can take the VM. */
export const chooseTarget: Step<OperationDeps, Located & { readonly targetNode: string }, { readonly target: string }> =
  {
    run: async (deps, { vmid, node, targetNode }, io) => {
      const guest = deps.cluster.requireVm(vmid);
      const target = targetNode === "auto" ? placeElsewhere(deps, guest, node) : targetNode;
      requireTarget(deps, guest, target);
      io.result(`VM goes from ${node} to ${target}`);
      return { target };
    },
    undo: nothingToUndo("it only decides"),
  };

/** Moves the VM, live when it runs. Proxmox leaves it where it was when that fails. */
export const migrateVm: Step<OperationDeps, Located & { readonly target: string }, object> = {
  run: async (deps, { vmid, node, target }, io) => {
    const online = deps.cluster.requireVm(vmid).state !== "stopped";
    const command = { type: "migrate-vm" as const, vmid, targetNode: target, online };
    await runOnNode(deps, node, command, io, { label: `migrate-${vmid}` });
    await waitToShow(deps, () => deps.cluster.guest(vmid)?.node === target, io);
    io.about({ node: target });
    io.result(`VM ${vmid} migrated to node ${target}${online ? " while it ran" : ""}`);
    return {};
  },
  undo: nothingToUndo("Proxmox leaves the VM on its node when a migration fails"),
};

/** Refuses a target that cannot take the VM. */
export function requireTarget(deps: OperationDeps, guest: Guest, target: string): void {
  const vmid = String(guest.vmid);
  if (target === guest.node)
    throw new DomainError("conflict", "VM_ALREADY_THERE", `VM ${vmid} is on node ${target} already`, {
      vmid,
      node: target,
    });
  const known = deps.cluster.node(target);
  if (known?.link.state !== "connected" || !known.facts) throw unreachable(deps, target);
  const missing = missingStorage(guest, known);
  if (missing === undefined) return;
  const message = `node ${target} has no storage ${missing}, which holds a disk of VM ${vmid}`;
  throw new DomainError("conflict", "STORAGE_NOT_FOUND", message, { vmid, node: target, storage: missing });
}

function missingStorage({ config }: Guest, { facts }: KnownNode): string | undefined {
  const there = new Set(facts?.storages.filter(({ active }) => active).map(({ name }) => name));
  return config.disks
    .filter(({ volumeId }) => volumeId.includes(":"))
    .map(({ volumeId }) => volumeId.slice(0, volumeId.indexOf(":")))
    .find((name) => !there.has(name));
}

function placeElsewhere(deps: OperationDeps, { config }: Guest, from: string): string {
  const others = deps.cluster.nodes().filter(({ name }) => name !== from);
  const { settings } = deps;
  const sizes = { coreCount: config.coreCount, memoryMib: config.memoryMib, diskSizeBytes: 0 };
  return placeVm(others, new Map(), sizes, { storage: settings.storage, bridge: settings.bridge }).node;
}
