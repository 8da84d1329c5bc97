import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AgentError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { findUpid, readTaskLog, taskEnd } from "../pve/task-log.ts";
import { type ArgvFiles, toInvocation } from "../qm/argv.ts";
import type { CreateVm, QmCommand } from "../qm/command.ts";
import { type GuestView, hasEffect, isNotNeeded } from "../qm/effect.ts";
import { qmError } from "../qm/meaning.ts";
import { type ProcessEnd, type ProcessRunner, readOutput } from "./process-runner.ts";
import { type CommandFailure, type CommandOutcome, type CommandRecord, withoutSecrets } from "./record.ts";
import type { RecordStore } from "./record-store.ts";
import { RunningCommand } from "./running-command.ts";

/** What the service needs to know of the node and its images. */
export interface CommandWorld {
  readonly bootId: string;
  /** Where Proxmox keeps its task logs. */
  readonly tasks: string;
  /** The guest as it is now, read anew. */
  readonly view: (vmid: number) => Promise<GuestView>;
  /** The file to import for a create: the image's copy, grown to the size wanted. Held until the result is called. */
  readonly takeImage: (command: CreateVm) => Promise<{ readonly path: string; readonly release: () => void }>;
}

/** `qm` gets SIGTERM again after this long, until it ends. */
const termEveryMs = 5000;
/** How long an effect may take to show after a program said that it is done, or that it failed. */
const effectWaitMs = { done: 10_000, reboot: 60_000, failed: 1000 };
const logTailLines = 50;
const stderrTailLength = 4096;

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Runs commands, each at most once for its id, and remembers how they ended. A caller that comes again with the same
 * id, also after a restart of the agent, attaches to the same command.
 */
export class CommandService {
  readonly #runner: ProcessRunner;
  readonly #store: RecordStore;
  readonly #world: CommandWorld;
  readonly #runFolder: string;
  readonly #log: Logger;
  readonly #commands = new Map<string, RunningCommand>();

  constructor(runner: ProcessRunner, store: RecordStore, world: CommandWorld, runFolder: string, log: Logger) {
    this.#runner = runner;
    this.#store = store;
    this.#world = world;
    this.#runFolder = runFolder;
    this.#log = log;
  }

  /** Learns what was run before, and attaches again to what still runs. Called once, before anything else. */
  async recover(): Promise<void> {
    for (const record of await this.#store.load()) {
      if (this.#store.isExpired(record, new Date())) {
        await this.#forget(record.commandId);
        continue;
      }
      const running = new RunningCommand(record, this.#folderOf(record.commandId));
      this.#commands.set(record.commandId, running);
      if (!record.outcome) void this.#reattach(running);
    }
  }

  /** Starts a command, or finds the one that has this id already. */
  start(commandId: string, command: QmCommand, timeoutMs: number): RunningCommand {
    const known = this.#commands.get(commandId);
    if (known) return known;
    if (!uuid.test(commandId))
      throw new AgentError("invalid", "COMMAND_ID_INVALID", `command_id "${commandId.slice(0, 100)}" is not a UUID`);
    const record: CommandRecord = {
      commandId,
      argv: [],
      command: withoutSecrets(command),
      startTime: new Date().toISOString(),
      bootId: this.#world.bootId,
      logTail: [],
    };
    const running = new RunningCommand(record, this.#folderOf(commandId));
    this.#commands.set(commandId, running);
    void this.#execute(running, command, timeoutMs);
    return running;
  }

  /** The command with this id, running or ended. */
  find(commandId: string): RunningCommand {
    const found = this.#commands.get(commandId);
    if (found) return found;
    throw new AgentError("not-found", "COMMAND_NOT_FOUND", `no command ${commandId.slice(0, 100)} is known`, {
      commandId: commandId.slice(0, 100),
    });
  }

  /** Asks a command to end. One that has ended stays as it is. */
  cancel(commandId: string, why: "cancelled" | "timeout" = "cancelled"): RunningCommand {
    const running = this.find(commandId);
    if (!running.hasEnded && running.stopRequested === undefined) {
      running.stopRequested = why;
      void this.#terminate(running);
    }
    return running;
  }

  /** Never SIGKILL: it would leave `qm`'s worker running with nobody watching. */
  async #terminate(running: RunningCommand): Promise<void> {
    while (!running.hasEnded) {
      await this.#runner.terminate(running.folder);
      await Promise.race([running.ended, sleep(termEveryMs, undefined, { ref: false })]);
    }
  }

  async #execute(running: RunningCommand, asked: QmCommand, timeoutMs: number): Promise<void> {
    let release = () => {};
    try {
      const command = await this.#claimHalfCreated(asked);
      const notNeeded = isNotNeeded(command, await this.#world.view(command.vmid));
      if (notNeeded !== undefined) {
        await this.#store.save(running.record);
        return await this.#finish(running, { notNeeded });
      }
      await mkdir(running.folder, { recursive: true, mode: 0o700 });
      const files = await this.#prepare(command, running.folder);
      release = files.release;
      const { argv, stdin } = toInvocation(command, files);
      running.update({ ...running.record, argv });
      await this.#store.save(running.record);
      const timer = setTimeout(() => this.cancel(running.commandId, "timeout"), timeoutMs);
      const end = await this.#runner.run(running.folder, argv, stdin).finally(() => clearTimeout(timer));
      await this.#finish(running, end);
    } catch (error) {
      await this.#fail(running, error);
    } finally {
      release();
    }
  }

  /**
   * A create whose node lost power leaves a configuration with nothing in it but `lock: create`, so no UUID tells whose
   * it is. It is ours if our create of that VMID was running when it was lost.
   */
  async #claimHalfCreated(command: QmCommand): Promise<QmCommand> {
    if (command.type !== "destroy-vm" || command.onlySmbiosUuid === "") return command;
    const { guest } = await this.#world.view(command.vmid);
    if (guest?.config.lock !== "create" || guest.config.smbiosUuid !== "") return command;
    const lost = [...this.#commands.values()].some(({ record }) => {
      const { command: created, outcome } = record;
      const isOurs = created.type === "create-vm" && created.smbiosUuid === command.onlySmbiosUuid;
      return isOurs && created.vmid === command.vmid && outcome !== undefined && "lost" in outcome.end;
    });
    return lost ? { ...command, onlySmbiosUuid: "", skipLock: true } : command;
  }

  async #reattach(running: RunningCommand): Promise<void> {
    try {
      const sameBoot = running.record.bootId === this.#world.bootId;
      this.#log.info({ commandId: running.commandId, sameBoot }, "attaching to a command of before the restart");
      await this.#finish(running, await this.#runner.reattach(running.folder, sameBoot));
    } catch (error) {
      await this.#fail(running, error);
    }
  }

  async #prepare(command: QmCommand, folder: string): Promise<ArgvFiles & { readonly release: () => void }> {
    const image = command.type === "create-vm" ? await this.#world.takeImage(command) : undefined;
    const keys = "sshPublicKeys" in command ? (command.sshPublicKeys ?? []) : [];
    const sshKeysPath = join(folder, "ssh-keys");
    if (keys.length > 0) await writeFile(sshKeysPath, `${keys.join("\n")}\n`, { mode: 0o600 });
    return {
      ...(image ? { importPath: image.path } : {}),
      ...(keys.length > 0 ? { sshKeysPath } : {}),
      release: () => image?.release(),
    };
  }

  /** Judges a command by its effect and writes the outcome down. */
  async #finish(running: RunningCommand, end: CommandOutcome["end"]): Promise<void> {
    const { command, startTime, argv } = running.record;
    const [stdout, stderr] = await Promise.all([
      readOutput(running.folder, "stdout"),
      readOutput(running.folder, "stderr"),
    ]);
    const since = new Date(startTime);
    const upid = argv.length === 0 ? undefined : await findUpid(this.#world.tasks, command.vmid, since);
    const succeeded = "notNeeded" in end || (await this.#judge(command, end));
    const taskLog = upid && "lost" in end ? await readTaskLog(this.#world.tasks, upid) : undefined;
    const words = `${stderr}\n${(taskLog && taskEnd(taskLog)) ?? ""}\n${stdout}`;
    const stopped = running.stopRequested;
    const lines = stdout.split(/\r?\n|\r/).filter((line) => line !== "");
    const outcome: CommandOutcome = {
      end,
      succeeded,
      ...(stopped === undefined || succeeded ? {} : { stopped }),
      ...(succeeded ? {} : { error: toFailure(command, end, words, stopped) }),
      stderrTail: stderr.slice(-stderrTailLength),
      lineCount: lines.length,
      endTime: new Date().toISOString(),
      upid: upid?.text ?? "",
    };
    await this.#settle(running, outcome, [...lines, ...stderr.split("\n").filter((line) => line !== "")]);
  }

  async #judge(command: QmCommand, end: ProcessEnd): Promise<boolean> {
    if ("spawnFailed" in end) return false;
    const exitedWell = "exitCode" in end && end.exitCode === 0;
    const waitMs = exitedWell ? effectWaitMs[command.type === "reboot-vm" ? "reboot" : "done"] : effectWaitMs.failed;
    const deadline = performance.now() + waitMs;
    for (;;) {
      const effect = hasEffect(command, await this.#world.view(command.vmid));
      if (effect === undefined) return exitedWell;
      if (effect) return true;
      if (performance.now() >= deadline) return false;
      await sleep(100);
    }
  }

  /** Something of our own failed: the disk, a missing image. The command has not run, or its end is not known. */
  async #fail(running: RunningCommand, error: unknown): Promise<void> {
    const known = error instanceof AgentError;
    if (!known) this.#log.error({ err: error, commandId: running.commandId }, "a command could not be run");
    const failure: CommandFailure = known
      ? { kind: error.kind, reason: error.reason, message: error.message, metadata: error.metadata }
      : { kind: "internal", reason: "COMMAND_NOT_RUN", message: "the agent could not run the command", metadata: {} };
    const outcome: CommandOutcome = {
      end: { spawnFailed: failure.message },
      succeeded: false,
      error: failure,
      stderrTail: "",
      lineCount: 0,
      endTime: new Date().toISOString(),
      upid: "",
    };
    await this.#settle(running, outcome, []);
  }

  async #settle(running: RunningCommand, outcome: CommandOutcome, lines: readonly string[]): Promise<void> {
    const record = { ...running.record, outcome, logTail: lines.slice(-logTailLines) };
    await this.#store.save(record).catch((error: unknown) => {
      this.#log.error({ err: error, commandId: running.commandId }, "the outcome of a command could not be saved");
    });
    running.update(record);
    const { commandId, command } = record;
    this.#log.info(
      { commandId, command: command.type, vmid: command.vmid, end: outcome.end, succeeded: outcome.succeeded },
      `${command.type} ${command.vmid}: ${outcome.succeeded ? "done" : (outcome.error?.message ?? "failed")}`,
    );
  }

  async #forget(commandId: string): Promise<void> {
    await this.#store.remove(commandId);
    await rm(this.#folderOf(commandId), { recursive: true, force: true });
  }

  #folderOf(commandId: string): string {
    return join(this.#runFolder, commandId);
  }
}

function toFailure(
  command: QmCommand,
  end: CommandOutcome["end"],
  words: string,
  stopped: CommandOutcome["stopped"],
): CommandFailure {
  const vmid = String(command.vmid);
  const metadata = { vmid, command: command.type };
  const failure = (kind: CommandFailure["kind"], reason: string, message: string) => ({
    kind,
    reason,
    message,
    metadata,
  });
  if (stopped === "cancelled")
    return failure("cancelled", "COMMAND_CANCELLED", `${command.type} of VM ${vmid} was cancelled`);
  if (stopped === "timeout") return failure("busy", "COMMAND_TIMEOUT", `${command.type} of VM ${vmid} took too long`);
  if ("spawnFailed" in end) return failure("internal", "COMMAND_NOT_RUN", `qm could not be started for VM ${vmid}`);
  const { kind, reason, message, metadata: found } = qmError(words, command.vmid);
  const exitedWell = "exitCode" in end && end.exitCode === 0;
  // Exit 0 without a word and without the effect: one of Proxmox's lies, or somebody undid it at once.
  if (reason === "QM_FAILED" && exitedWell)
    return failure("internal", "EFFECT_MISSING", `qm said that ${command.type} of VM ${vmid} is done, but it is not`);
  return { kind, reason, message, metadata: found };
}
