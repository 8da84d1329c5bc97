import { DomainError } from "../../domain/errors.ts";
import type { OperationDeps } from "../deps.ts";
import { requireTarget } from "../steps/migrate-vm.ts";
import type { Admitted } from "./start.ts";
import { onVm, requireReachableVm } from "./vm.ts";

/** Checks VM and target before a migration is accepted. */
export function admitMigration(deps: OperationDeps, vmid: number, targetNode: string): Admitted {
  const guest = requireReachableVm(deps, vmid);
  if (targetNode !== "auto") {
    if (!deps.cluster.node(targetNode)) {
      const nodes = deps.cluster.nodes().map(({ name }) => name);
      const allowed = [...nodes, "auto"].join(", ");
      throw new DomainError(
        "invalid",
        "FIELD_INVALID",
        `targetNode: there is no node ${targetNode} (there are: ${allowed})`,
        { targetNode, allowed },
        {
          violations: [{ field: "targetNode", value: targetNode, allowed, description: "there is no such node" }],
        },
      );
    }
    requireTarget(deps, guest, targetNode);
  }
  return onVm(guest, { targetNode });
}
