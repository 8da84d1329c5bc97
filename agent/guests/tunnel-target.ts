import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { AgentError } from "../errors.ts";
import type { Guest } from "../pve/guest.ts";

/** An end point of a guest. */
export type TunnelTarget = { readonly tcpPort: number } | { readonly serial: number } | { readonly vnc: true };

const connectTimeoutMs = 5000;

/**
 * Opens a connection to a guest of this node: to a port of its first configured address, or to a socket of its QEMU.
 * Nothing else can be reached this way.
 */
export async function openTunnel(
  guest: Guest,
  target: TunnelTarget,
  qemuRun: string,
  signal: AbortSignal,
): Promise<{ readonly socket: Socket; readonly address: string }> {
  const vmid = String(guest.vmid);
  if ("tcpPort" in target) {
    const address = guest.config.nics.flatMap(({ addresses }) => addresses)[0]?.split("/")[0];
    if (address === undefined)
      throw new AgentError("conflict", "GUEST_HAS_NO_ADDRESS", `guest ${vmid} has no configured address`, { vmid });
    const socket = await dial(connect({ host: address, port: target.tcpPort, noDelay: true }), signal, vmid);
    return { socket, address: `${address}:${target.tcpPort}` };
  }
  const path = join(qemuRun, "serial" in target ? `${vmid}.serial${target.serial}` : `${vmid}.vnc`);
  return { socket: await dial(connect(path), signal, vmid), address: path };
}

function dial(socket: Socket, signal: AbortSignal, vmid: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown) => {
      socket.destroy();
      reject(
        new AgentError(
          "unavailable",
          "GUEST_NOT_REACHABLE",
          `guest ${vmid} cannot be reached: ${why}`,
          { vmid, why },
          { cause },
        ),
      );
    };
    const timer = setTimeout(() => fail("no answer"), connectTimeoutMs);
    const onAbort = () => fail("the caller left");
    signal.addEventListener("abort", onAbort, { once: true });
    socket.once("error", (error: NodeJS.ErrnoException) => fail(error.code ?? "error", error));
    socket.once("connect", () => resolve(socket));
    socket.once("close", () => clearTimeout(timer));
    socket.once("connect", () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.removeAllListeners("error");
    });
  });
}
