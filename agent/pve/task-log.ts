import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isAlive } from "../host/process.ts";
import { parseUpid, type Upid } from "./upid.ts";

/** A task's whole log, and whether the task still runs. */
export interface TaskLog {
  readonly lines: readonly string[];
  readonly running: boolean;
}

/** Reads the log of a task of this node; undefined when there is none. */
export async function readTaskLog(tasks: string, upid: Upid): Promise<TaskLog | undefined> {
  // Status before log: otherwise the lines written in between are lost.
  const running = await isAlive({ pid: upid.pid, startTicks: upid.pstart });
  const folder = upid.startTime.getTime() / 1000;
  const text = await readFile(join(tasks, (folder % 16).toString(16).toUpperCase(), upid.text), "utf8").catch(
    () => undefined,
  );
  return text === undefined ? undefined : { lines: text.replace(/\n$/, "").split("\n"), running };
}

/** How a task's log says that it ended: `OK`, or the words after `TASK ERROR: `. Undefined while it has not. */
export function taskEnd({ lines }: TaskLog): string | undefined {
  const [, status] = /^TASK (OK|WARNINGS: \d+|ERROR: .*)$/.exec(lines.at(-1) ?? "") ?? [];
  return status?.replace(/^ERROR: /, "");
}

/**
 * Finds the task that a `qm` call started: `qm` does not print it (FACTS h). It is the newest one for the guest in the
 * list of tasks that are running or ended lately, started not before the call.
 */
export async function findUpid(tasks: string, vmid: number, since: Date): Promise<Upid | undefined> {
  const text = await readFile(join(tasks, "active"), "utf8").catch(() => "");
  return text
    .split("\n")
    .map((line) => parseUpid(line.split(" ")[0] ?? ""))
    .filter((upid) => upid?.id === String(vmid) && upid.startTime.getTime() >= since.getTime() - 1000)
    .toSorted((a, b) => (b?.startTime.getTime() ?? 0) - (a?.startTime.getTime() ?? 0))[0];
}
