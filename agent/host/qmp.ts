import { connect } from "node:net";
import { createInterface } from "node:readline";

/** QEMU's own word for a VM's state, such as `running`, `paused` or `prelaunch`. */
export interface QmpStatus {
  readonly status: string;
  readonly running: boolean;
}

/**
 * Asks a VM's QMP socket for its state and hangs up at once: the socket serves one client at a time, and `qm` and
 * pvestatd stall while somebody holds it (FACTS 1.8). Undefined when nobody answers in time.
 */
export function queryQmpStatus(socketPath: string, timeoutMs = 1000): Promise<QmpStatus | undefined> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const end = (status: QmpStatus | undefined) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(status);
    };
    const timer = setTimeout(() => end(undefined), timeoutMs);
    socket.on("error", () => end(undefined)).on("close", () => end(undefined));
    createInterface({ input: socket }).on("line", (line) => {
      const message = parseMessage(line);
      if ("QMP" in message) socket.write('{"execute":"qmp_capabilities"}\n{"execute":"query-status","id":"status"}\n');
      if (message["id"] !== "status") return;
      const { status, running } = (message["return"] ?? {}) as { status?: unknown; running?: unknown };
      end(typeof status === "string" ? { status, running: running === true } : undefined);
    });
  });
}

function parseMessage(line: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
  } catch {
    return {}; // not JSON: not QMP
  }
}
