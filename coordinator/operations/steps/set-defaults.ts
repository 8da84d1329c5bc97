import { clusterBaseline } from "../../domain/cluster-baseline.ts";
import { describeBaseline } from "../../domain/cpu-baseline.ts";
import { DomainError } from "../../domain/errors.ts";
import { defaultVmName, type InstallInput } from "../../domain/install.ts";
import type { OperationDeps } from "../deps.ts";
import { nothingToUndo, type Step } from "../engine/step.ts";

/** What the request left open, decided. */
export interface Defaults {
  readonly name: string;
  readonly cpuType: string;
}

/** Decides name and CPU type. There is no default password: without one, and without a key, nobody can log in. */
export const setDefaults: Step<
  OperationDeps,
  InstallInput & { readonly vmid: number; readonly node: string },
  Defaults
> = {
  run: async (deps, input, io) => {
    const name = input.requestedName === "" ? defaultVmName(input.os, input.vmid) : input.requestedName;
    const { cpuType, reason } = chooseCpuType(deps);
    io.notice("info", `CPU type: ${reason}`);
    const facts = deps.cluster.node(input.node)?.facts;
    if (facts && !facts.bridges.includes(input.bridge)) {
      const { node, bridge } = input;
      throw new DomainError("conflict", "BRIDGE_NOT_FOUND", `node ${node} has no bridge ${bridge}`, { node, bridge });
    }
    if (!input.passwordHash && input.sshPublicKeys.length === 0)
      io.notice("warning", "neither a password nor a public key was given: nobody will be able to log in");
    io.result(
      `default config values set: name ${name}, CPU type ${cpuType}, bridge ${input.bridge}, user ${input.user}`,
    );
    return { name, cpuType };
  },
  undo: nothingToUndo("it only decides"),
};

/** The CPU type for a new VM, and why: the configured one, or what every node can run. */
export function chooseCpuType(deps: Pick<OperationDeps, "cluster" | "settings">): {
  readonly cpuType: string;
  readonly reason: string;
} {
  const { cpuType } = deps.settings;
  if (cpuType !== "auto") return { cpuType, reason: `${cpuType} is configured` };
  const baseline = clusterBaseline(deps.cluster.nodes());
  return { cpuType: baseline.cpuType, reason: describeBaseline(baseline) };
}
