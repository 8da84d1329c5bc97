import { DomainError } from "../../domain/errors.ts";
import type { OperationDeps } from "../deps.ts";
import { nothingToUndo, type Step } from "../engine/step.ts";
import { inGuest } from "./guest-login.ts";
import { type InstallLogin, installTarget, type ReadyGuest } from "./wait-for-guest.ts";

/** Exit codes of the scripts in `sh/`, as their head comments have them. */
const meanings: Readonly<Record<number, { readonly reason: string; readonly says: string }>> = {
  2: { reason: "INIT_SCRIPT_REFUSED", says: "refused its input or the operating system" },
  3: { reason: "NO_MIRROR", says: "could not reach a package mirror" },
  4: { reason: "PACKAGES_FAILED", says: "could not install its packages" },
};

/**
 * Runs the init script of the guest's operating system, streamed over the session's standard input with its settings
 * before it: nothing of it is ever in an argument list or on the network in clear.
 */
export const runInitScript: Step<OperationDeps, InstallLogin & ReadyGuest, object> = {
  run: async (deps, have, io) => {
    const script = await deps.readScript(`${have.os}_${have.version}`);
    if (script === undefined) {
      io.notice(
        "warning",
        `there is no init script for ${have.os} ${have.version}: the guest stays as its image made it`,
      );
      return {};
    }
    await inGuest(deps, installTarget(deps, have, have.hostKey), io, async (session) => {
      const { exitCode } = await session.exec("sudo -n sh -s", {
        stdin: `${settingsPreamble(deps, have.passwordHash !== undefined)}${script}`,
        onLine: io.log,
        timeoutMs: deps.settings.scriptTimeoutMs,
        signal: io.signal,
      });
      if (exitCode !== 0) throw scriptFailed(have.os, have.version, exitCode);
    });
    io.result("SSH initialization completed");
    return {};
  },
  undo: nothingToUndo("create-vm's undo removes the guest"),
};

/** The script's settings as shell assignments, quoted so that no value can be anything but a value. */
function settingsPreamble({ settings: { guest } }: OperationDeps, passwordLogin: boolean): string {
  const values = {
    QMESH_PACKAGES: guest.packages.join(" "),
    QMESH_TIMEZONE: guest.timeZone,
    QMESH_LOCALE: guest.locale,
    QMESH_PASSWORD_LOGIN: passwordLogin ? "yes" : "no",
    QMESH_ROOT_PASSWORD_HASH: guest.rootPasswordHash,
    QMESH_SWAP_MIB: guest.swapMib > 0 ? String(guest.swapMib) : "",
  };
  return Object.entries(values)
    .map(([name, value]) => (value === "" ? "" : `export ${name}='${value.replaceAll("'", "'\\''")}'\n`))
    .join("");
}

function scriptFailed(os: string, version: string, exitCode: number | undefined): DomainError {
  const code = exitCode === undefined ? "a signal" : String(exitCode);
  const { reason, says } = meanings[exitCode ?? 0] ?? { reason: "INIT_SCRIPT_FAILED", says: `failed (exit ${code})` };
  return new DomainError("conflict", reason, `the init script of ${os} ${version} ${says}`, {
    os,
    version,
    exitCode: code,
  });
}
