import { DomainError } from "../../domain/errors.ts";
import type { CatalogueImage } from "../../domain/images.ts";
import { defaultVmName, type InstallInput } from "../../domain/install.ts";
import { minSizes } from "../../domain/limits.ts";
import type { CommandOutcome, CreateVmCommand } from "../../ports/node-client.ts";
import type { OperationDeps } from "../deps.ts";
import type { Step, StepIo } from "../engine/step.ts";
import type { InstallKey } from "./create-install-key.ts";
import { type Leased, leaseFree } from "./lease-vmid.ts";
import { removeOwnVm } from "./remove-vm.ts";
import { runOnNode, waitToShow } from "./run-on-node.ts";
import type { Defaults } from "./set-defaults.ts";

/** The phase in which the import of the disk is shown. */
export const importPhase = "VM creation > importing disk image";

/** What create-vm needs. */
export type CreateVmNeeds = InstallInput &
  Leased &
  Defaults &
  InstallKey & { readonly image: CatalogueImage; readonly imageChecksum: string };

/** The VM that was made: another VMID than the leased one when somebody else took that in between. */
export interface CreatedVm {
  readonly vmid: number;
  readonly address: string;
  readonly name: string;
}

/** How often a VMID may be taken by somebody else before this gives up. */
const attempts = 20;

/**
 * Makes the VM with one `qm create` on the node where it belongs. Its SMBIOS UUID is the operation's id, so that an undo
 * removes this VM and no other. `qm create` is atomic across the cluster: a VMID that somebody took in between is burnt,
 * and the next one is leased.
 */
export const createVm: Step<OperationDeps, CreateVmNeeds, CreatedVm> = {
  run: async (deps, have, io) => {
    const burnt = new Set<number>();
    let { vmid, address } = have;
    for (let attempt = 1; ; attempt++) {
      const name = have.requestedName === "" ? defaultVmName(have.os, vmid) : have.requestedName;
      try {
        const outcome = await create(deps, have, { vmid, address, name }, io);
        await waitToShow(deps, () => deps.cluster.guest(vmid)?.config.smbiosUuid === io.operationId, io);
        io.result(
          outcome.notNeeded === ""
            ? "disk image imported successfully"
            : `disk image imported before: ${outcome.notNeeded}`,
        );
        return { vmid, address, name };
      } catch (error) {
        const isTaken = error instanceof DomainError && error.reason === "VMID_TAKEN";
        if (!isTaken || have.requestedVmid > 0 || attempt === attempts) throw error;
        burnt.add(vmid);
        io.notice("warning", `VMID ${vmid} was taken by somebody else in the meantime`);
        await deps.store.releaseLease(have.cluster, vmid, io.operationId);
        ({ vmid, address } = await leaseFree(deps, { ...have, requestedNode: have.node }, io, burnt));
        io.about({ vmid, address });
        io.notice("info", `going on with VMID ${vmid} and address ${address}`);
      }
    }
  },
  undo: (deps, _have, io) => removeOwnVm(deps, io),
};

async function create(
  deps: OperationDeps,
  have: CreateVmNeeds,
  { vmid, address, name }: CreatedVm,
  io: StepIo,
): Promise<CommandOutcome> {
  const { settings } = deps;
  const { memoryMib } = have.sizes;
  const command: CreateVmCommand = {
    type: "create-vm",
    vmid,
    name,
    coreCount: have.sizes.coreCount,
    cpuType: have.cpuType,
    memoryMib,
    balloonMib: settings.balloonMinMib < memoryMib ? settings.balloonMinMib : 0,
    bridge: have.bridge,
    storage: have.storage,
    imageId: have.image.imageId,
    imageChecksum: have.imageChecksum,
    baseSizeBytes: minSizes.diskSizeBytes,
    user: have.user,
    passwordHash: have.passwordHash ? deps.secrets.open(have.passwordHash) : "",
    sshPublicKeys: [have.installKey.publicKey, ...have.sshPublicKeys],
    address,
    gateway: deps.addresses.gateway,
    nameservers: settings.guest.nameservers,
    searchDomain: settings.guest.searchDomain,
    tags: [have.os, "qmesh"],
    smbiosUuid: io.operationId,
  };
  const release = await io.hold(`storage:${have.node}/${have.storage}`, storageLimit(deps, have.node, have.storage));
  let importing = false;
  const beginImport = () => {
    if (!importing) io.phase(importPhase, "VM created successfully", "import disk image");
    importing = true;
  };
  // The first progress of the copy tells that the VM's hardware is there.
  const watching: StepIo = {
    ...pick(io),
    progress: (doneBytes, totalBytes) => {
      beginImport();
      io.progress(doneBytes, totalBytes);
    },
  };
  try {
    const outcome = await runOnNode(deps, have.node, command, watching, { label: `create-${vmid}` });
    beginImport();
    return outcome;
  } finally {
    release();
  }
}

/** Proxmox locks a local storage per node and a shared one per cluster; a few at a time never meet its time limit. */
function storageLimit(deps: OperationDeps, node: string, storage: string): number {
  const shared = deps.cluster.node(node)?.facts?.storages.find(({ name }) => name === storage)?.shared === true;
  return shared ? 1 : 4;
}

/** A StepIo as a plain object, so that a part of it can be replaced. */
function pick(io: StepIo): StepIo {
  const { operationId, signal, attempt, commandId, operationElapsedMs } = io;
  const { result, phase, notice, log, progress, about, flush, hold } = io;
  return {
    operationId,
    signal,
    attempt,
    commandId,
    operationElapsedMs,
    result,
    phase,
    notice,
    log,
    progress,
    about,
    flush,
    hold,
  };
}
