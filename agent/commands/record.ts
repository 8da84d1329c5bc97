import type { AgentError } from "../errors.ts";
import type { QmCommand } from "../qm/command.ts";
import type { ProcessEnd } from "./process-runner.ts";

/** What is remembered of a command: enough to tell how it ended, and to judge that by the effect after a restart. */
export interface CommandRecord {
  readonly commandId: string;
  /** The arguments, without what goes by standard input. Empty when no program was needed. */
  readonly argv: readonly string[];
  /** The command, with secrets emptied. */
  readonly command: QmCommand;
  readonly startTime: string;
  /** The kernel's boot id at the start. */
  readonly bootId: string;
  readonly outcome?: CommandOutcome;
  /** The last lines of its output. */
  readonly logTail: readonly string[];
}

/** How a command ended. `succeeded` is judged by the effect, not by the exit code. */
export interface CommandOutcome {
  readonly end: ProcessEnd | { readonly notNeeded: string };
  readonly succeeded: boolean;
  readonly stopped?: "cancelled" | "timeout";
  readonly error?: CommandFailure;
  readonly stderrTail: string;
  readonly lineCount: number;
  readonly endTime: string;
  readonly upid: string;
}

/** An AgentError as plain data. */
export type CommandFailure = Pick<AgentError, "kind" | "reason" | "message" | "metadata">;

/** The command as it may be written to disk. */
export function withoutSecrets(command: QmCommand): QmCommand {
  return command.type === "create-vm" ? { ...command, passwordHash: "" } : command;
}
