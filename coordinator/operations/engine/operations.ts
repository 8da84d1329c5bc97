import { randomUUID } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { DomainError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import { endStates, type OperationEvent } from "./events.ts";
import { fromFailure } from "./failure.ts";
import type { Journal, OperationRow } from "./journal.ts";
import { Line, type Waiting } from "./line.ts";
import { OperationLog } from "./operation-log.ts";
import type { RunnablePipeline } from "./pipeline.ts";
import { runOperation } from "./run-operation.ts";
import type { StepVoice } from "./step-io.ts";

/** What an operation starts with. */
export interface StartOptions {
  readonly cluster: string;
  readonly guestKind: OperationRow["guestKind"];
  /** 0: not known yet. */
  readonly vmid: number;
  /** Empty: not known yet. */
  readonly node: string;
  /** Empty: none. */
  readonly requestId: string;
  /** The request without secrets. */
  readonly request: Readonly<Record<string, unknown>>;
  /** The pipeline's input. Secrets in it are sealed. */
  readonly input: Readonly<Record<string, unknown>>;
}

/** What a cancel did. */
export type CancelOutcome = "requested" | "already-requested" | "already-ended";

/** A sign of life in a watch, or an event. */
export type WatchItem = { readonly event: OperationEvent } | { readonly heartbeat: number };

export interface OperationsOptions<Deps> {
  readonly deps: Deps;
  readonly journal: Journal;
  readonly pipelines: readonly RunnablePipeline<Deps>[];
  readonly clock: Clock;
  /** Waits before an undo that failed is tried again, or gives up. */
  readonly undoPolicy: (attempt: number, error: unknown) => { readonly delayMs: number } | "give-up";
  readonly report: (message: string, error?: unknown) => void;
  readonly onEnd: (row: OperationRow) => void;
}

interface Running {
  readonly cancel: AbortController;
  readonly done: Promise<void>;
}

const pageSize = 500;
const heartbeatMs = 10_000;
/** Watches look into the journal at least this often: another coordinator may be writing. */
const journalRetryMs = (attempt: number) => Math.min(1000 * attempt, 15_000);

/** Starts operations, runs them to their end across restarts, and lets anybody watch. Knows nothing about VMs. */
export class Operations<Deps> {
  readonly #options: OperationsOptions<Deps>;
  readonly #pipelines: ReadonlyMap<string, RunnablePipeline<Deps>>;
  readonly #running = new Map<string, Running>();
  readonly #line = new Line();
  readonly #written = new EventEmitter().setMaxListeners(0);
  readonly #stopping = new AbortController();

  constructor(options: OperationsOptions<Deps>) {
    this.#options = options;
    this.#pipelines = new Map(options.pipelines.map((pipeline) => [pipeline.name, pipeline]));
  }

  /** Takes up what was not ended when the program stopped, oldest first. */
  async resume(): Promise<number> {
    const rows = await this.#options.journal.listUnfinished();
    for (const row of rows) this.#launch(row);
    return rows.length;
  }

  /** Starts an operation, or joins the one that the same request started before. It is in the journal on return. */
  async start(kind: string, options: StartOptions): Promise<OperationRow> {
    this.#stopping.signal.throwIfAborted();
    const row: OperationRow = {
      ...options,
      operationId: randomUUID(),
      kind,
      state: "queued",
      address: "",
      createTime: this.#options.clock.now(),
      cancelRequested: false,
      lastSequence: 0,
    };
    const { created, row: found } = await this.#options.journal.create(row);
    if (created) this.#launch(found);
    else requireSameRequest(found, kind, options.request);
    return found;
  }

  /** The operation that an earlier request with this id started, if any. Throws when it was another request. */
  async findSame(
    kind: string,
    cluster: string,
    requestId: string,
    request: Readonly<Record<string, unknown>>,
  ): Promise<OperationRow | undefined> {
    const found = requestId === "" ? undefined : await this.#options.journal.findByRequestId(cluster, requestId);
    if (found) requireSameRequest(found, kind, request);
    return found;
  }

  /** The operation, or NOT_FOUND. */
  async get(operationId: string): Promise<OperationRow> {
    const row = await this.#options.journal.get(operationId);
    if (row) return row;
    throw new DomainError("not-found", "OPERATION_NOT_FOUND", `there is no operation ${operationId}`, { operationId });
  }

  /** Waits for the end; throws what the operation failed with. */
  async wait(operationId: string, signal: AbortSignal): Promise<OperationRow> {
    for await (const item of this.watch(operationId, 0, signal)) {
      if (!("event" in item) || item.event.event.type !== "finished") continue;
      const { error } = item.event.event;
      if (error) throw fromFailure(error, operationId);
    }
    signal.throwIfAborted();
    return this.get(operationId);
  }

  /**
   * Yields the events after `afterSequence`, those of the past first, and ends after the last one. Everybody sees the
   * same, because only what is in the journal is shown.
   */
  async *watch(operationId: string, afterSequence: number, signal: AbortSignal): AsyncGenerator<WatchItem> {
    await this.get(operationId);
    let last = afterSequence;
    for (;;) {
      const changed = this.#nextWrite(operationId, signal);
      try {
        for (;;) {
          const events = await this.#options.journal.events(operationId, last, pageSize);
          for (const event of events) {
            last = event.sequence;
            yield { event };
            if (event.event.type === "finished") return;
          }
          if (events.length < pageSize) break;
        }
        // An operation that has ended writes no more: the reader was past its end.
        if (
          last > 0 &&
          endStates.includes((await this.get(operationId)).state) &&
          !(await this.#hasMore(operationId, last))
        )
          return;
        const woken = await changed.promise;
        if (signal.aborted || this.#stopping.signal.aborted) return;
        if (!woken) yield { heartbeat: last };
      } finally {
        changed.end();
      }
    }
  }

  /** Asks an operation to stop and undo what it did. */
  async cancel(operationId: string): Promise<CancelOutcome> {
    const row = await this.get(operationId);
    if (endStates.includes(row.state)) return "already-ended";
    if (row.cancelRequested || row.state === "unwinding") return "already-requested";
    await this.#options.journal.requestCancel(operationId);
    this.#running.get(operationId)?.cancel.abort(cancelledError(operationId));
    return "requested";
  }

  /** Who works on a key now, for error messages and metrics. */
  holders(key: string): readonly string[] {
    return this.#line.holders(key);
  }

  /** How many operations run or wait in this process. */
  get runningCount(): number {
    return this.#running.size;
  }

  /** Stops running operations where they are. They go on after the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the coordinator is stopping"));
    await Promise.allSettled([...this.#running.values()].map(({ done }) => done));
  }

  #launch(row: OperationRow): void {
    const pipeline = this.#pipelines.get(row.kind);
    if (!pipeline) {
      this.#options.report(`operation ${row.operationId} is of the unknown kind ${row.kind}; it is left alone`);
      return;
    }
    const cancel = new AbortController();
    if (row.cancelRequested) cancel.abort(cancelledError(row.operationId));
    const done = this.#run(row, pipeline, cancel)
      .catch((error: unknown) => {
        if (!this.#stopping.signal.aborted)
          this.#options.report(`${row.kind} ${row.operationId}: the engine failed`, error);
      })
      .finally(() => this.#running.delete(row.operationId));
    this.#running.set(row.operationId, { cancel, done });
  }

  async #run(row: OperationRow, pipeline: RunnablePipeline<Deps>, cancel: AbortController): Promise<void> {
    const { deps, journal, clock, report, undoPolicy, onEnd } = this.#options;
    const stopping = this.#stopping.signal;
    const log = new OperationLog({
      journal,
      operationId: row.operationId,
      lastSequence: row.lastSequence,
      now: clock.now,
      onWritten: () => this.#written.emit(row.operationId),
      onRefused: (error) => report(`the journal refused an entry of ${row.operationId}; trying again`, error),
      retryDelay: (attempt) => sleep(journalRetryMs(attempt), undefined, { signal: stopping }),
    });
    const releases: (() => void)[] = [];
    const before = await journal.steps(row.operationId);
    try {
      await runOperation(pipeline, {
        deps,
        row,
        before,
        log,
        cancelled: cancel.signal,
        stopping,
        now: clock.now,
        elapsedMs: clock.elapsedMs,
        report,
        undoDelay: async (attempt, error) => {
          const verdict = undoPolicy(attempt, error);
          if (verdict === "give-up") return verdict;
          await sleep(verdict.delayMs, undefined, { signal: stopping });
          return "again";
        },
        hold: async (key, limit, signal, voice) => {
          const stop = AbortSignal.any([signal, stopping]);
          const holder = `${row.kind} ${row.operationId}`;
          const release = await this.#line.take(key, limit, holder, stop, (waiting) =>
            tellWaiting(waiting, row, log, voice),
          );
          releases.push(release);
          return release;
        },
      });
    } finally {
      for (const release of releases) release();
    }
    onEnd(await this.get(row.operationId));
  }

  async #hasMore(operationId: string, after: number): Promise<boolean> {
    return (await this.#options.journal.events(operationId, after, 1)).length > 0;
  }

  /** Settles true at the next write of an operation, false when nothing came for a while. Listens from now on. */
  #nextWrite(
    operationId: string,
    signal: AbortSignal,
  ): { readonly promise: Promise<boolean>; readonly end: () => void } {
    const ended = new AbortController();
    const stop = AbortSignal.any([signal, this.#stopping.signal, ended.signal]);
    const timer = setTimeout(() => ended.abort(), heartbeatMs);
    const promise = once(this.#written, operationId, { signal: stop }).then(
      () => true,
      () => false,
    );
    const end = () => {
      clearTimeout(timer);
      ended.abort();
    };
    return { promise, end };
  }
}

function tellWaiting(
  { place, holders }: Waiting,
  row: OperationRow,
  log: OperationLog,
  voice: StepVoice | undefined,
): void {
  const message = `queued behind ${holders.join(", ")}${place > 0 ? `, ${place} more before` : ""}`;
  if (voice) voice.notice("info", message);
  else log.add({ step: "", phase: "queue", message, vmid: row.vmid, event: { type: "notice", level: "info" } });
}

function cancelledError(operationId: string): DomainError {
  return new DomainError("cancelled", "OPERATION_CANCELLED", "the operation was cancelled", { operationId });
}

/** The same request_id means the same request: anything else is a mistake of the caller's. */
function requireSameRequest(row: OperationRow, kind: string, request: Readonly<Record<string, unknown>>): void {
  const { requestId } = row;
  const differing = new Set<string>();
  if (row.kind !== kind) differing.add(`the call (${row.kind})`);
  else
    for (const field of new Set([...Object.keys(row.request), ...Object.keys(request)]))
      if (JSON.stringify(row.request[field]) !== JSON.stringify(request[field])) differing.add(field);
  if (differing.size === 0) return;
  const fields = [...differing].join(", ");
  throw new DomainError(
    "exists",
    "REQUEST_ID_REUSED",
    `request_id ${requestId} belongs to another request; these differ: ${fields}`,
    { requestId, fields, operationId: row.operationId },
  );
}
