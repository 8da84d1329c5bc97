import type { Failure, NoticeLevel } from "./step.ts";

/** Where an operation stands. */
export type OperationState = "queued" | "running" | "unwinding" | "succeeded" | "failed" | "cancelled" | "stuck";

/** States that an operation never leaves. */
export const endStates: readonly OperationState[] = ["succeeded", "failed", "cancelled", "stuck"];

/** Where one step stands. */
export type StepState = "running" | "succeeded" | "failed" | "undone" | "stuck";

/** One entry of an operation's journal, as it is stored: plain data. */
export interface OperationEvent {
  /** From 1, without gaps. */
  readonly sequence: number;
  readonly time: Date;
  /** Empty for events about the whole operation. */
  readonly step: string;
  readonly phase: string;
  readonly message: string;
  /** 0: not known yet. */
  readonly vmid: number;
  /** Only in events that hand a VM over. */
  readonly address: string;
  readonly event: EventKind;
}

/** What happened. */
export type EventKind =
  | { readonly type: "step-started" }
  | { readonly type: "step-finished"; readonly elapsedMs: number }
  | { readonly type: "step-failed"; readonly elapsedMs: number; readonly error: Failure }
  | { readonly type: "step-undone"; readonly elapsedMs: number }
  | { readonly type: "log-line"; readonly text: string }
  | { readonly type: "progress"; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly type: "notice"; readonly level: NoticeLevel }
  | {
      readonly type: "finished";
      readonly state: OperationState;
      readonly error?: Failure;
      readonly elapsedMs: number;
    };
