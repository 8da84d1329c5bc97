import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { open, readFile, readlink, realpath, unlink, writeFile } from "node:fs/promises";
import { constants as osConstants } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, type ProcessIdentity, readProcess } from "../host/process.ts";

/** What became of a process. */
export type ProcessEnd =
  | { readonly exitCode: number }
  | { readonly signal: string }
  | { readonly spawnFailed: string }
  /** Nobody saw the end: the node rebooted, or the runner was killed. */
  | { readonly lost: string };

export interface ProcessRunnerOptions {
  /** PATH of the programs that are run. Their environment is built, not inherited. */
  readonly path: string;
  /** Put before the runner, for example `systemd-run --scope …`, which takes it out of the agent's cgroup. */
  readonly scope: readonly string[];
}

/** What a shell exits with when it cannot run a program. */
const notStarted = new Set([126, 127]);
/** How often a process that is not our child is looked at. */
const pollMs = 100;
/** A program that was started without a trace within this time was not started. */
const startGraceMs = 5000;

const runnerScript = new URL("./run.sh", import.meta.url).pathname;
const signalNames = new Map(Object.entries(osConstants.signals).map(([name, number]) => [number, name]));

/**
 * Runs programs so that they outlive the agent: each in its own session, its output on files, and with a tiny shell
 * script as its parent that writes the exit code to disk (FACTS 1.7: a `qm` whose reader or parent dies is undone
 * half-way). Everything about one run is in its folder.
 */
export class ProcessRunner {
  readonly #options: ProcessRunnerOptions;

  constructor(options: ProcessRunnerOptions) {
    this.#options = options;
  }

  /** Starts a program and waits for its end. The folder has to exist, with no run in it. */
  async run(folder: string, argv: readonly [string, ...string[]], stdin = ""): Promise<ProcessEnd> {
    const input = stdin === "" ? undefined : await openInput(folder, stdin);
    const [program, ...args] = [...this.#options.scope, runnerScript, folder, ...argv];
    if (program === undefined) throw new Error("nothing to run");
    try {
      const child = spawn(program, args, {
        cwd: "/",
        detached: true, // a session of its own
        stdio: [input?.fd ?? "ignore", "ignore", "ignore"],
        env: { PATH: this.#options.path, LC_ALL: "C", HOME: "/root", USER: "root" },
      });
      const ended = await new Promise<Error | undefined>((resolve) => {
        child.on("error", resolve).on("exit", () => resolve(undefined));
      });
      return ended ? { spawnFailed: ended.message } : await readEnd(folder);
    } finally {
      await input?.close();
    }
  }

  /** Waits for the end of a program that an agent before this one started. `sameBoot` is false after a reboot. */
  async reattach(folder: string, sameBoot: boolean): Promise<ProcessEnd> {
    if (sameBoot) await waitForEnd(folder);
    return readEnd(folder, sameBoot);
  }

  /** Sends SIGTERM to the program, which `qm` passes on to its worker. Never SIGKILL: it would leave the worker alone. */
  async terminate(folder: string): Promise<void> {
    const process_ = await readProgram(folder);
    if (process_) signal(process_.pid);
  }
}

/** What the program wrote, as text. */
export function readOutput(folder: string, stream: "stdout" | "stderr"): Promise<string> {
  return readFile(join(folder, stream), "utf8").catch(() => "");
}

/** Standard input as an open file that has no name any more: secrets never lie around. */
async function openInput(folder: string, stdin: string) {
  const path = join(folder, "stdin");
  const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  await unlink(path);
  await file.write(stdin, 0); // at a position: the file's own stays at 0 for the reader
  return file;
}

async function waitForEnd(folder: string): Promise<void> {
  const deadline = performance.now() + startGraceMs;
  while ((await readExit(folder)) === undefined) {
    const program = await readProgram(folder);
    const waitingForStart = !program && performance.now() < deadline && (await hasStarted(folder));
    if (!program && !waitingForStart) return;
    await sleep(pollMs);
  }
}

async function readEnd(folder: string, sameBoot = true): Promise<ProcessEnd> {
  const code = await readExit(folder);
  if (code !== undefined) {
    if (notStarted.has(code)) return { spawnFailed: (await readOutput(folder, "stderr")).trim() };
    // A shell tells a signal as 128 + its number; qm's own codes above 128 are no signals' numbers.
    const name = code > 128 ? signalNames.get(code - 128) : undefined;
    return name === undefined ? { exitCode: code } : { signal: name };
  }
  if (!sameBoot) return { lost: "the node rebooted while the command ran" };
  // Who makes the file first decides: a runner that comes later refuses to run.
  if (await fence(folder)) return { spawnFailed: "the agent ended before the command was started" };
  return { lost: "the command's runner was killed" };
}

/** Makes the runner's start marker if it is not there; true when we made it. */
async function fence(folder: string): Promise<boolean> {
  return writeFile(join(folder, "started"), "", { flag: "wx" }).then(
    () => true,
    () => false,
  );
}

async function hasStarted(folder: string): Promise<boolean> {
  return readFile(join(folder, "started")).then(
    () => true,
    () => false,
  );
}

async function readExit(folder: string): Promise<number | undefined> {
  const text = await readFile(join(folder, "exit"), "utf8").catch(() => "");
  return text.endsWith("\n") ? Number(text) : undefined;
}

/** The program's process, if it still runs: the pid file is only trusted while no `exit` was written. */
async function readProgram(folder: string): Promise<ProcessIdentity | undefined> {
  if ((await readExit(folder)) !== undefined) return undefined;
  const pid = Number.parseInt(await readFile(join(folder, "pid"), "utf8").catch(() => ""), 10);
  const identity = Number.isInteger(pid) ? await readProcess(pid) : undefined;
  return identity && (await isAlive(identity)) && (await writesTo(folder, pid)) ? identity : undefined;
}

/** A pid can be used again by another program; ours has the folder's file as its standard output. */
async function writesTo(folder: string, pid: number): Promise<boolean> {
  const [target, file] = await Promise.all([
    readlink(`/proc/${pid}/fd/1`).catch(() => ""),
    realpath(join(folder, "stdout")).catch(() => "-"),
  ]);
  return target === file;
}

function signal(pid: number): void {
  try {
    process.kill(pid, "SIGTERM");
  } catch {
    // it ended in between
  }
}
