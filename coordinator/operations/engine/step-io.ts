import { createHash } from "node:crypto";
import type { OperationLog } from "./operation-log.ts";
import type { NoticeLevel, OperationFacts, StepIo } from "./step.ts";

/** What a step's voice is made of. */
export interface StepVoiceOptions {
  readonly operationId: string;
  readonly step: string;
  readonly phase: string;
  readonly attempt: number;
  readonly signal: AbortSignal;
  readonly log: OperationLog;
  readonly elapsedMs: () => number;
  readonly facts: () => OperationFacts;
  readonly setFacts: (facts: OperationFacts) => void;
  readonly hold: StepIo["hold"];
  readonly operationElapsedMs: () => number;
}

/** Turns what a step says into events of its operation, and times its phases. */
export class StepVoice implements StepIo {
  readonly operationId: string;
  readonly signal: AbortSignal;
  readonly attempt: number;
  readonly hold: StepIo["hold"];
  readonly operationElapsedMs: () => number;
  readonly #options: StepVoiceOptions;
  #phase: string;
  #phaseStartMs: number;
  #result = "";
  #resultAddress = "";

  constructor(options: StepVoiceOptions) {
    this.#options = options;
    this.operationId = options.operationId;
    this.signal = options.signal;
    this.attempt = options.attempt;
    this.hold = options.hold;
    this.operationElapsedMs = options.operationElapsedMs;
    this.#phase = options.phase;
    this.#phaseStartMs = options.elapsedMs();
  }

  /** The phase the step is in. */
  get currentPhase(): string {
    return this.#phase;
  }

  /** The address of the VM that the step hands over, for its last event. */
  get resultAddress(): string {
    return this.#resultAddress;
  }

  /** How long the present phase has lasted. */
  get phaseElapsedMs(): number {
    return Math.round(this.#options.elapsedMs() - this.#phaseStartMs);
  }

  /** The sentence for the end: what the step said of it, or the phase itself, with the time it took. */
  finishMessage(): string {
    return withElapsed(this.#result === "" ? `${this.#phase} done` : this.#result, this.phaseElapsedMs);
  }

  readonly commandId = (label: string): string => {
    const { operationId, step } = this.#options;
    const hex = createHash("sha256").update(`${operationId}/${step}/${label}`).digest("hex");
    // Version 8, variant 1: a UUID whose bits are ours to choose.
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  };

  readonly result = (message: string, handOver?: { readonly address: string }): void => {
    this.#result = message;
    this.#resultAddress = handOver?.address ?? "";
  };

  readonly phase = (phase: string, finished: string, started: string): void => {
    const elapsedMs = this.phaseElapsedMs;
    this.#add(withElapsed(finished, elapsedMs), { type: "step-finished", elapsedMs });
    this.#phase = phase;
    this.#phaseStartMs = this.#options.elapsedMs();
    this.#result = "";
    this.#add(started, { type: "step-started" });
  };

  readonly notice = (level: NoticeLevel, message: string, handOver?: { readonly address: string }): void => {
    this.#add(message, { type: "notice", level }, handOver?.address);
  };

  readonly log = (text: string): void => {
    this.#add(text.slice(0, 4096), { type: "log-line", text: text.slice(0, 4096) });
  };

  readonly progress = (doneBytes: number, totalBytes: number): void => {
    this.#add(progressMessage(doneBytes, totalBytes), { type: "progress", doneBytes, totalBytes });
  };

  readonly about = (facts: OperationFacts): void => {
    this.#options.setFacts(facts);
  };

  readonly flush = (): Promise<void> => this.#options.log.write({ facts: this.#options.facts() });

  #add(message: string, event: Parameters<OperationLog["add"]>[0]["event"], address = ""): void {
    const { step, log, facts } = this.#options;
    log.add({ step, phase: this.#phase, message, vmid: facts().vmid ?? 0, address, event });
  }
}

/** A sentence with the time that its work took, such as `VM created (2.45s)`. */
export function withElapsed(message: string, elapsedMs: number): string {
  return `${message} (${(elapsedMs / 1000).toFixed(2)}s)`;
}

function progressMessage(doneBytes: number, totalBytes: number): string {
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  if (totalBytes === 0) return `${mib(doneBytes)} MiB`;
  return `${mib(doneBytes)} of ${mib(totalBytes)} MiB (${((doneBytes / totalBytes) * 100).toFixed(0)}%)`;
}
