import { join } from "node:path";
import { followLines } from "./follow.ts";
import type { CommandOutcome, CommandRecord } from "./record.ts";

/** A command that runs or has ended: what callers attach to. */
export class RunningCommand {
  readonly commandId: string;
  /** Where its output is. */
  readonly folder: string;
  readonly #settled = Promise.withResolvers<CommandRecord>();
  #record: CommandRecord;
  stopRequested: CommandOutcome["stopped"];

  constructor(record: CommandRecord, folder: string) {
    this.commandId = record.commandId;
    this.folder = folder;
    this.#record = record;
    if (record.outcome) this.#settled.resolve(record);
  }

  get record(): CommandRecord {
    return this.#record;
  }

  /** Settles when the command has ended and its effect was checked. Never rejects. */
  get ended(): Promise<CommandRecord> {
    return this.#settled.promise;
  }

  get hasEnded(): boolean {
    return this.#record.outcome !== undefined;
  }

  update(record: CommandRecord): void {
    this.#record = record;
    if (record.outcome) this.#settled.resolve(record);
  }

  /** Its output from the first line, until it has ended. */
  lines(signal: AbortSignal): AsyncGenerator<string> {
    return followLines(join(this.folder, "stdout"), () => this.hasEnded, signal);
  }
}
