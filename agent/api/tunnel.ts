import type { MessageInitShape } from "@bufbuild/protobuf";
import type { TunnelOpen, TunnelRequest, TunnelResponseSchema } from "../../gen/qmesh/agent/v1/agent_service_pb.js";
import { AgentError } from "../errors.ts";
import { openTunnel, type TunnelTarget } from "../guests/tunnel-target.ts";
import type { NodeWatcher } from "../state/node-watcher.ts";

/** Carries bytes between the caller and a guest until either side ends. */
export async function* tunnel(
  requests: AsyncIterable<TunnelRequest>,
  watcher: NodeWatcher,
  qemuRun: string,
  signal: AbortSignal,
): AsyncGenerator<MessageInitShape<typeof TunnelResponseSchema>> {
  const incoming = requests[Symbol.asyncIterator]();
  const first = (await incoming.next()).value as TunnelRequest | undefined;
  if (first?.message.case !== "open")
    throw new AgentError("invalid", "TUNNEL_NOT_OPENED", "the first message of a tunnel has to say where to");
  const open = first.message.value;
  const guest = watcher.state.guests.get(open.vmid) ?? (await watcher.readGuest(open.vmid));
  if (!guest) {
    const vmid = String(open.vmid);
    throw new AgentError("not-found", "VM_NOT_FOUND", `there is no guest ${vmid} on this node`, { vmid });
  }
  const { socket, address } = await openTunnel(guest, toTarget(open), qemuRun, signal);
  const close = () => socket.destroy();
  signal.addEventListener("abort", close, { once: true });
  try {
    yield { message: { case: "opened", value: { address } } };
    void forward(incoming, socket);
    for await (const data of socket as AsyncIterable<Buffer>) yield { message: { case: "data", value: data } };
  } catch (error) {
    if (!signal.aborted) throw asReset(error, open.vmid);
  } finally {
    signal.removeEventListener("abort", close);
    socket.destroy();
  }
}

/** Writes what the caller sends, no faster than the guest reads. The caller's end is the connection's end. */
async function forward(incoming: AsyncIterator<TunnelRequest>, socket: NodeJS.WritableStream): Promise<void> {
  try {
    for (;;) {
      const { done, value } = await incoming.next();
      if (done === true) break;
      if (value.message.case !== "data" || socket.write(value.message.value)) continue;
      await new Promise((resolve) => socket.once("drain", resolve).once("close", resolve));
    }
    socket.end();
  } catch {
    socket.end(); // the caller is gone
  }
}

function toTarget({ target }: TunnelOpen): TunnelTarget {
  switch (target.case) {
    case "tcpPort":
      if (target.value < 1 || target.value > 65_535) break;
      return { tcpPort: target.value };
    case "serial":
      if (target.value < 0 || target.value > 3) break;
      return { serial: target.value };
    case "vnc":
      return { vnc: true };
    case undefined:
      break;
    default:
      target satisfies never;
  }
  throw new AgentError("invalid", "TUNNEL_TARGET_INVALID", "a tunnel needs a TCP port, a serial socket or VNC");
}

function asReset(error: unknown, vmid: number): AgentError {
  const text = String(vmid);
  return new AgentError(
    "unavailable",
    "GUEST_CONNECTION_LOST",
    `the connection to guest ${text} broke`,
    { vmid: text },
    { cause: error },
  );
}
