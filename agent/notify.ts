import { execFile } from "node:child_process";

/**
 * Tells systemd about the service's state. Node has no unix datagram sockets, so systemd's own program does it; the
 * unit has to say `NotifyAccess=all`. Without NOTIFY_SOCKET nobody is listening.
 */
export function notifySystemd(state: "READY=1" | "STOPPING=1", notifySocket: string | undefined): void {
  if (notifySocket === undefined || notifySocket === "") return;
  const env = { PATH: "/usr/bin:/bin", NOTIFY_SOCKET: notifySocket };
  execFile("systemd-notify", [state], { env }, () => {}); // systemd's own timeout tells of a failure
}
