import { DomainError } from "../../domain/errors.ts";
import type { Guest } from "../../domain/guest.ts";
import type { OperationDeps } from "../deps.ts";
import { unreachable } from "../steps/run-on-node.ts";
import type { Admitted } from "./start.ts";

/** The VM that a call is about, on a node that answers. NOT_FOUND and UNAVAILABLE are told at once. */
export function requireReachableVm(deps: OperationDeps, vmid: number): Guest {
  const guest = deps.cluster.requireVm(vmid);
  if (deps.cluster.node(guest.node)?.link.state !== "connected") throw unreachable(deps, guest.node);
  return guest;
}

/** The beginning of an operation on a VM that is there. */
export function onVm({ vmid, node }: Guest, input: Readonly<Record<string, unknown>> = {}): Admitted {
  return { guestKind: "vm", vmid, node, input: { vmid, ...input } };
}

/** Refuses a template: it cannot be started, and what is made from it depends on it. */
export function requireNoTemplate({ vmid, config }: Guest): void {
  if (!config.template) return;
  throw new DomainError("conflict", "VM_IS_TEMPLATE", `VM ${vmid} is a template`, { vmid: String(vmid) });
}

/** Refuses a VM that would have to run. */
export function requireRunning({ vmid, state }: Guest): void {
  if (state !== "stopped") return;
  throw new DomainError("conflict", "VM_NOT_RUNNING", `VM ${vmid} does not run`, { vmid: String(vmid) });
}

/** Refuses a cluster that is not this coordinator's. */
export function requireCluster(deps: Pick<OperationDeps, "settings">, cluster: string): void {
  if (cluster === "" || cluster === deps.settings.cluster) return;
  throw new DomainError(
    "not-found",
    "CLUSTER_NOT_FOUND",
    `there is no cluster ${cluster}; leave it empty for the default one`,
    { cluster },
  );
}
