import type { OperationDeps } from "../deps.ts";
import { nothingToUndo, type Step } from "../engine/step.ts";

/** A key pair for one install. The private half is sealed in the journal and forgotten at the operation's end. */
export interface InstallKey {
  readonly installKey: { readonly publicKey: string; readonly privateKey: { readonly sealed: string } };
}

/** Makes the key with which this install logs in, and nobody else ever. */
export const createInstallKey: Step<OperationDeps, object, InstallKey> = {
  run: async ({ guests, secrets }, _have, io) => {
    const { publicKey, privateKey } = guests.createKeyPair(`qmesh-install-${io.operationId}`);
    io.result("completed SSH preparation: a key for this install alone");
    return { installKey: { publicKey, privateKey: secrets.seal(privateKey) } };
  },
  undo: nothingToUndo("the key is forgotten at the operation's end"),
};
