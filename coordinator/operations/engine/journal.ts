import type { OperationEvent, OperationState, StepState } from "./events.ts";
import type { Failure, OperationFacts } from "./step.ts";

/** An operation as the journal keeps it. */
export interface OperationRow {
  readonly operationId: string;
  readonly cluster: string;
  readonly kind: string;
  readonly state: OperationState;
  readonly guestKind: "vm" | "container" | "";
  /** 0: none, or not known yet. */
  readonly vmid: number;
  readonly node: string;
  readonly address: string;
  /** Empty: none was given. */
  readonly requestId: string;
  /** The request without secrets, to compare a second one with. */
  readonly request: Readonly<Record<string, unknown>>;
  /** What the pipeline starts with. Secrets in it are sealed. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly createTime: Date;
  readonly endTime?: Date;
  readonly error?: Failure;
  readonly cancelRequested: boolean;
  readonly lastSequence: number;
}

/** One step as the journal keeps it. */
export interface StepRow {
  readonly name: string;
  readonly state: StepState;
  /** How often it was started. */
  readonly attempts: number;
  readonly startTime: Date;
  readonly endTime?: Date;
  /** What it gave. Only when it succeeded. */
  readonly gave?: Readonly<Record<string, unknown>>;
}

/** Changes that are written in one transaction. Events are first, so nothing is seen that is not recorded. */
export interface JournalBatch {
  readonly events: readonly OperationEvent[];
  readonly step?: StepRow;
  readonly state?: OperationState;
  readonly facts?: OperationFacts;
  readonly error?: Failure;
  readonly endTime?: Date;
  /** Forgets all sealed values: the operation has ended. */
  readonly scrub?: boolean;
}

/** Which operations a list shows. */
export interface OperationFilter {
  readonly cluster: string;
  readonly state?: OperationState;
  readonly vmid?: number;
  readonly kind?: string;
}

/** Where operations are kept. What it has acknowledged survives a crash. */
export interface Journal {
  /** Adds an operation, unless its cluster has one with the same requestId: then that one is the answer. */
  create(row: OperationRow): Promise<{ readonly created: boolean; readonly row: OperationRow }>;
  append(operationId: string, batch: JournalBatch): Promise<void>;
  requestCancel(operationId: string): Promise<void>;
  get(operationId: string): Promise<OperationRow | undefined>;
  findByRequestId(cluster: string, requestId: string): Promise<OperationRow | undefined>;
  /** Newest first; `before` is the last one of the page before. */
  list(
    filter: OperationFilter,
    limit: number,
    before?: { readonly createTime: Date; readonly operationId: string },
  ): Promise<readonly OperationRow[]>;
  /** Operations that have not ended, oldest first. */
  listUnfinished(): Promise<readonly OperationRow[]>;
  steps(operationId: string): Promise<readonly StepRow[]>;
  events(operationId: string, afterSequence: number, limit: number): Promise<readonly OperationEvent[]>;
}
