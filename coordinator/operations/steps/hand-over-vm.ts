import { DomainError } from "../../domain/errors.ts";
import type { OperationDeps } from "../deps.ts";
import { nothingToUndo, type Step, type StepIo } from "../engine/step.ts";

import { withoutPrefix } from "./allocation.ts";
import { type GuestTarget, inGuest, logIn } from "./guest-login.ts";
import { type InstallLogin, installTarget, type ReadyGuest } from "./wait-for-guest.ts";

const timeoutMs = 30_000;

/** Removes the install's key from the guest, binds the lease, and tells how to reach the VM. */
export const handOverVm: Step<OperationDeps, InstallLogin & ReadyGuest & { readonly address: string }, object> = {
  run: async (deps, have, io) => {
    await removeInstallKey(deps, have, io);
    await deps.store.bindLease(have.cluster, have.vmid);
    const address = withoutPrefix(have.address);
    const seconds = (io.operationElapsedMs() / 1000).toFixed(2);
    io.notice("success", `VM installation completed in ${seconds}s`, { address });
    io.notice("success", `VMID: ${have.vmid}`, { address });
    io.notice("success", `IP: ${address}`, { address });
    io.notice("success", `User: ${have.user}`, { address });
    io.result("VM is ready", { address });
    return {};
  },
  undo: nothingToUndo("create-vm's undo removes the guest"),
};

/** The key goes from every place that cloud-init writes it to. A key that can no longer log in has gone before. */
async function removeInstallKey(deps: OperationDeps, have: InstallLogin & ReadyGuest, io: StepIo): Promise<void> {
  const script = await deps.readScript("remove-key");
  const key = /^ssh-ed25519 ([A-Za-z0-9+/=]+)/.exec(have.installKey.publicKey)?.[1];
  if (script === undefined || key === undefined) throw new Error("sh/remove-key.sh or the install's key is missing");
  const target = installTarget(deps, have, have.hostKey);
  if (io.attempt > 1 && (await isRefused(deps, target, io))) return;
  await inGuest(deps, target, io, async (session) => {
    const { exitCode } = await session.exec("sudo -n sh -s", {
      stdin: `QMESH_USER='${have.user}'\nQMESH_KEY='${key}'\n${script}`,
      onLine: io.log,
      timeoutMs,
      signal: io.signal,
    });
    if (exitCode !== 0)
      throw new DomainError(
        "conflict",
        "INSTALL_KEY_NOT_REMOVED",
        "the install's key could not be removed from the guest",
      );
  });
}

async function isRefused(deps: OperationDeps, target: GuestTarget, io: StepIo): Promise<boolean> {
  try {
    (await logIn(deps, target, io.signal)).close();
    return false;
  } catch (error) {
    return error instanceof DomainError && error.reason === "GUEST_LOGIN_REFUSED";
  }
}
