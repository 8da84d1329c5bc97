import type { ErrorKind } from "../../domain/errors.ts";

/** One step of an operation. Both halves must be safe to run twice. */
export interface Step<Deps, Needs, Gives> {
  /** Does the work. What it gives is journalled as JSON and handed to later steps. */
  readonly run: (deps: Deps, have: Needs, io: StepIo) => Promise<Gives>;
  /** Takes it back. May not rely on what `run` gives: it can have failed half-way. */
  readonly undo: ((deps: Deps, have: Needs, io: StepIo) => Promise<void>) | NothingToUndo;
}

/** Says why a step has no undo. */
export interface NothingToUndo {
  readonly because: string;
}

/** Marks a step that has nothing to take back, and why. */
export const nothingToUndo = (because: string): NothingToUndo => ({ because });

/** How a notice is meant. */
export type NoticeLevel = "info" | "success" | "warning";

/** What the engine gives a step: a way to talk, to be stopped, and to name things. */
export interface StepIo {
  readonly operationId: string;
  /** Aborted when the operation is cancelled. Never aborted during undo. */
  readonly signal: AbortSignal;
  /** 1 for the first run, more after a restart of the coordinator or a retried undo. */
  readonly attempt: number;
  /** A UUID that is the same whenever this step asks for this label, also after a restart. */
  readonly commandId: (label: string) => string;
  /** How long the operation has lasted. */
  readonly operationElapsedMs: () => number;
  /** The sentence that the step's end will say, without the elapsed time. `handOver` comes with a VM that is ready. */
  readonly result: (message: string, handOver?: { readonly address: string }) => void;
  /** Ends the phase before with `finished` and begins another one. */
  readonly phase: (phase: string, finished: string, started: string) => void;
  /** Tells a person something. */
  readonly notice: (level: NoticeLevel, message: string, handOver?: { readonly address: string }) => void;
  /** One line of output. */
  readonly log: (text: string) => void;
  readonly progress: (doneBytes: number, totalBytes: number) => void;
  /** Writes facts about the operation that lists show. */
  readonly about: (facts: OperationFacts) => void;
  /** Waits until all of the above is in the journal. */
  readonly flush: () => Promise<void>;
  /** Keeps other operations off something until this operation ends; waits in line and says behind whom. */
  readonly hold: (key: string, limit?: number) => Promise<() => void>;
}

/** What lists show of an operation, once it is known. */
export interface OperationFacts {
  readonly vmid?: number;
  readonly node?: string;
  readonly address?: string;
}

/** Why a step or an operation failed, as plain data. */
export interface Failure {
  readonly kind: ErrorKind;
  readonly reason: string;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Empty: no step had started. */
  readonly step: string;
}
