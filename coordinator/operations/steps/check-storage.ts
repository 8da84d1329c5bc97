import { DomainError } from "../../domain/errors.ts";
import type { InstallInput } from "../../domain/install.ts";
import { formatSize } from "../../domain/limits.ts";
import { whyNot } from "../../domain/placement.ts";
import type { OperationDeps } from "../deps.ts";
import { nothingToUndo, type Step } from "../engine/step.ts";
import { unreachable } from "./run-on-node.ts";

/** Checks, by what the node streams, that its storage can take the disk. Thin storages may be promised more than they have. */
export const checkStorage: Step<OperationDeps, InstallInput & { readonly node: string }, object> = {
  run: async (deps, { node, storage, bridge, sizes }, io) => {
    const known = deps.cluster.node(node);
    if (!known?.facts) throw unreachable(deps, node);
    const why = known.link.state === "connected" ? whyNot(known, sizes, { storage, bridge }) : undefined;
    if (why !== undefined)
      throw new DomainError("conflict", "STORAGE_NOT_USABLE", `node ${node} cannot take the VM: ${why}`, {
        node,
        storage,
        why,
      });
    const found = known.facts.storages.find(({ name }) => name === storage);
    const available = found?.availableBytes ?? 0;
    if (available < sizes.diskSizeBytes)
      io.notice(
        "warning",
        `${storage} has ${formatSize(available)} left for a disk of ${formatSize(sizes.diskSizeBytes)}`,
      );
    io.result(`storage pool ${storage} is available on ${node}`);
    return {};
  },
  undo: nothingToUndo("it only checks"),
};
