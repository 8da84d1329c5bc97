import { DomainError } from "../../domain/errors.ts";
import type { OperationDeps } from "../deps.ts";
import { type Growth, requireDisk, requireGrowth, type VmChanges } from "../steps/change-vm.ts";
import type { Admitted } from "./start.ts";
import { onVm, requireReachableVm } from "./vm.ts";

/** Checks new cores and memory against the configured limits, which hold after an install too, and against the node. */
export function admitUpdate(deps: OperationDeps, vmid: number, changes: VmChanges): Admitted {
  const guest = requireReachableVm(deps, vmid);
  const { maxCores, maxMemoryMib } = deps.settings.limits;
  requireLimit("coreCount", changes.coreCount, 1, maxCores, "VM_MAX_CPU");
  requireLimit("memoryMib", changes.memoryMib, 512, maxMemoryMib, "VM_MAX_RAM");
  const nodeCores = deps.cluster.node(guest.node)?.facts?.cpu.coreCount;
  if (changes.coreCount !== undefined && nodeCores !== undefined && changes.coreCount > nodeCores) {
    const metadata = {
      vmid: String(vmid),
      node: guest.node,
      cores: String(nodeCores),
      wanted: String(changes.coreCount),
    };
    const message = `node ${guest.node} has ${nodeCores} CPUs, so VM ${vmid} could not start with ${changes.coreCount} cores`;
    throw new DomainError("no-capacity", "TOO_MANY_CORES", message, metadata);
  }
  return onVm(guest, { ...changes });
}

/** Checks a growth before it is accepted. The absolute size is worked out again when the operation's turn comes. */
export function admitGrowth(deps: OperationDeps, vmid: number, growth: Growth): Admitted {
  const guest = requireReachableVm(deps, vmid);
  const disk = requireDisk(deps, vmid, growth.slot);
  requireGrowth(deps, vmid, disk, growth.sizeBytes ?? disk.sizeBytes + (growth.growByBytes ?? 0));
  return onVm(guest, { ...growth });
}

function requireLimit(
  field: string,
  value: number | undefined,
  min: number,
  max: number | undefined,
  name: string,
): void {
  if (value === undefined || max === undefined || value <= max) return;
  const allowed = `${min} to ${max} (${name})`;
  const shown = String(value);
  throw new DomainError(
    "invalid",
    "FIELD_INVALID",
    `${field}: "${shown}" is not allowed; allowed: ${allowed}`,
    { [field]: shown },
    {
      violations: [{ field, value: shown, allowed, description: `${field} is above the configured limit` }],
    },
  );
}
