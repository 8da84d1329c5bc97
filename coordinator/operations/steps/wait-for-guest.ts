import type { InstallInput } from "../../domain/install.ts";
import type { OperationDeps } from "../deps.ts";
import { nothingToUndo, type Step } from "../engine/step.ts";
import type { InstallKey } from "./create-install-key.ts";
import { type GuestTarget, readBootId, waitForLogin } from "./guest-login.ts";

/** What is needed to log in to a VM that is being installed. */
export type InstallLogin = InstallInput & InstallKey & { readonly vmid: number; readonly node: string };

/** What the first login told of the guest. */
export interface ReadyGuest {
  /** Required from now on. */
  readonly hostKey: string;
  readonly bootId: string;
}

/** Waits until the install's key can log in, and remembers the host key that the guest showed. */
export const waitForGuest: Step<OperationDeps, InstallLogin, ReadyGuest> = {
  run: async (deps, have, io) => {
    io.notice("info", "VM starting");
    let bootId = "";
    const session = await waitForLogin(deps, installTarget(deps, have, ""), io, async (open) => {
      bootId = await readBootId(open, io.signal);
      return true;
    });
    session.close();
    io.result(`VM is ready, host key ${session.hostKey}`);
    return { hostKey: session.hostKey, bootId };
  },
  undo: nothingToUndo("it only waits"),
};

/** The login of an install: its own key, and the host key of the first contact. */
export function installTarget(deps: OperationDeps, have: InstallLogin, hostKey: string): GuestTarget {
  const privateKey = deps.secrets.open(have.installKey.privateKey);
  return { vmid: have.vmid, node: have.node, login: { user: have.user, privateKey, hostKey } };
}
