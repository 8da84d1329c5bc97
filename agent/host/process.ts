import { readFile } from "node:fs/promises";

/** A process of this machine, told apart from a later one with the same pid by its start. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  readonly startTicks: number;
}

/** Linux's USER_HZ. */
const ticksPerSecond = 100;

/** Looks a process up; undefined when there is none, or only a zombie. */
export async function readProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // The second field is the program's name in brackets, and may hold anything.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  const startTicks = Number(fields?.[19]);
  return fields?.[0] === undefined || fields[0] === "Z" || !Number.isFinite(startTicks)
    ? undefined
    : { pid, startTicks };
}

/** Whether this very process still runs. */
export async function isAlive({ pid, startTicks }: ProcessIdentity): Promise<boolean> {
  return (await readProcess(pid))?.startTicks === startTicks;
}

/** When a process started, by the machine's uptime. */
export function processStartTime({ startTicks }: ProcessIdentity, uptimeS: number, now: Date): Date {
  return new Date(now.getTime() - (uptimeS - startTicks / ticksPerSecond) * 1000);
}

/**
 * The guest's process: the pid of the pid file, if that process is QEMU with this very pid file on its command line.
 * This is how Proxmox itself asks (FACTS f); a socket that exists proves nothing.
 */
export async function readGuestProcess(pidFile: string): Promise<ProcessIdentity | undefined> {
  const pid = Number.parseInt(await readFile(pidFile, "utf8").catch(() => ""), 10);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const argv = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
  const vmidFile = pidFile.slice(pidFile.lastIndexOf("/"));
  const named = argv[argv.indexOf("-pidfile") + 1];
  return argv.includes("-pidfile") && named?.endsWith(vmidFile) ? readProcess(pid) : undefined;
}
