import { DomainError } from "../../domain/errors.ts";
import type { OperationState } from "./events.ts";
import { toFailure } from "./failure.ts";
import type { OperationRow, StepRow } from "./journal.ts";
import type { OperationLog } from "./operation-log.ts";
import type { NamedStep, RunnablePipeline } from "./pipeline.ts";
import type { Failure, OperationFacts, StepIo } from "./step.ts";
import { StepVoice, withElapsed } from "./step-io.ts";

/** What running one operation needs besides its pipeline. */
export interface RunOptions<Deps> {
  readonly deps: Deps;
  readonly row: OperationRow;
  /** Steps of a run before a restart. */
  readonly before: readonly StepRow[];
  readonly log: OperationLog;
  /** Aborted by a cancel, with the DomainError to end with. */
  readonly cancelled: AbortSignal;
  /** Aborted when the program stops: nothing more is written, and the operation goes on after the next start. */
  readonly stopping: AbortSignal;
  readonly now: () => Date;
  readonly elapsedMs: () => number;
  /** Waits before an undo is tried again; rejects when the program stops. */
  readonly undoDelay: (attempt: number, error: unknown) => Promise<"again" | "give-up">;
  readonly hold: (key: string, limit: number, signal: AbortSignal, io: StepVoice | undefined) => Promise<() => void>;
  /** One line for the program's own log. */
  readonly report: (message: string, error?: unknown) => void;
}

/**
 * Runs every step in order. A step is written down as started before it runs; when one fails, every started step is
 * undone, newest first, the failed one included. A run that is taken up after a restart leaves out the steps that are
 * done and runs a started one again.
 */
export async function runOperation<Deps>(pipeline: RunnablePipeline<Deps>, options: RunOptions<Deps>): Promise<void> {
  await new Run(pipeline, options).run();
}

class Run<Deps> {
  readonly #pipeline: RunnablePipeline<Deps>;
  readonly #options: RunOptions<Deps>;
  readonly #before: ReadonlyMap<string, StepRow>;
  readonly #startMs: number;
  readonly #started: NamedStep<Deps>[] = [];
  #facts: OperationFacts;
  #have: Readonly<Record<string, unknown>>;

  constructor(pipeline: RunnablePipeline<Deps>, options: RunOptions<Deps>) {
    this.#pipeline = pipeline;
    this.#options = options;
    this.#before = new Map(options.before.map((step) => [step.name, step]));
    const { row } = options;
    this.#startMs = options.elapsedMs() - (options.now().getTime() - row.createTime.getTime());
    this.#have = { ...row.input, operationId: row.operationId };
    this.#facts = {
      ...(row.vmid > 0 ? { vmid: row.vmid } : {}),
      ...(row.node === "" ? {} : { node: row.node }),
      ...(row.address === "" ? {} : { address: row.address }),
    };
  }

  async run(): Promise<void> {
    const { row, cancelled, stopping } = this.#options;
    let failure: Failure | undefined = row.state === "unwinding" ? row.error : undefined;
    let endState: OperationState = "failed";
    if (failure) {
      this.#recallStarted();
      endState = failure.kind === "cancelled" ? "cancelled" : "failed";
    } else {
      let current = "";
      try {
        await this.#enter();
        for (const [index, named] of this.#pipeline.steps.entries()) {
          if (this.#recall(named)) continue;
          if (named.when && !named.when(this.#have as never)) continue;
          cancelled.throwIfAborted();
          current = named.name;
          await this.#runStep(named, index);
        }
        await this.#finish("succeeded", undefined);
        return;
      } catch (error) {
        if (stopping.aborted) throw error;
        failure = toFailure(cancelled.aborted ? cancelled.reason : error, current);
        if (cancelled.aborted) endState = "cancelled";
        if (!(error instanceof DomainError) && !cancelled.aborted)
          this.#options.report(
            `${row.kind} ${row.operationId} step ${current} failed for a reason that nobody foresaw`,
            error,
          );
      }
      await this.#options.log.write({ state: "unwinding", error: failure });
    }
    const stuck = await this.#unwind();
    await this.#finish(stuck ? "stuck" : endState, stuck ?? failure);
  }

  /** Waits for the turn at the guest, if the operation is about one, and counts as running from then. */
  async #enter(): Promise<void> {
    const { row, hold, cancelled, log } = this.#options;
    if (row.vmid > 0) await hold(vmKey(row.cluster, row.vmid), 1, cancelled, undefined);
    if (row.state === "queued") await log.write({ state: "running" });
  }

  /** A step that was done before the restart gives again what it gave. */
  #recall(named: NamedStep<Deps>): boolean {
    const before = this.#before.get(named.name);
    if (before?.state !== "succeeded") return false;
    this.#started.push(named);
    this.#have = { ...this.#have, ...before.gave };
    return true;
  }

  /** For an operation that was being undone: which steps are left to undo, and what they had. */
  #recallStarted(): void {
    for (const named of this.#pipeline.steps) {
      const before = this.#before.get(named.name);
      if (!before || before.state === "undone") continue;
      this.#started.push(named);
      this.#have = { ...this.#have, ...before.gave };
    }
  }

  async #runStep(named: NamedStep<Deps>, index: number): Promise<void> {
    const { log, deps, cancelled, now } = this.#options;
    const before = this.#before.get(named.name);
    const attempts = (before?.attempts ?? 0) + 1;
    const startTime = now();
    const step = { name: named.name, attempts, startTime };
    log.add({
      ...this.#place(named),
      message: startMessage(this.#pipeline.title, index, named),
      event: { type: "step-started" },
    });
    await log.write({ step: { ...step, state: "running" } }); // before run: a half-done step must be undone too
    this.#started.push(named);
    const voice = this.#voice(named, cancelled, attempts);
    try {
      const gave: Readonly<Record<string, unknown>> = await named.step.run(deps, this.#have, voice);
      this.#have = { ...this.#have, ...gave };
      const elapsedMs = voice.phaseElapsedMs;
      log.add({
        ...this.#place(named, voice),
        message: voice.finishMessage(),
        address: voice.resultAddress,
        event: { type: "step-finished", elapsedMs },
      });
      await log.write({ step: { ...step, state: "succeeded", endTime: now(), gave }, facts: this.#facts });
      this.#report(named, index, "done", elapsedMs);
    } catch (error) {
      if (this.#options.stopping.aborted) throw error;
      const elapsedMs = voice.phaseElapsedMs;
      const failure = toFailure(cancelled.aborted ? cancelled.reason : error, named.name);
      log.add({
        ...this.#place(named, voice),
        message: withElapsed(failure.message, elapsedMs),
        event: { type: "step-failed", elapsedMs, error: failure },
      });
      await log.write({ step: { ...step, state: "failed", endTime: now() }, facts: this.#facts });
      this.#report(named, index, `failed (${failure.reason})`, elapsedMs);
      throw error;
    }
  }

  /** Undoes the started steps, newest first. The answer is the failure of an undo that could not be done. */
  async #unwind(): Promise<Failure | undefined> {
    for (const named of this.#started.toReversed()) {
      const { undo } = named.step;
      if ("because" in undo) continue;
      const startedMs = this.#options.elapsedMs();
      for (let attempt = 1; ; attempt++) {
        try {
          await undo(this.#options.deps, this.#have, this.#voice(named, this.#options.stopping, attempt));
          break;
        } catch (error) {
          if (this.#options.stopping.aborted) throw error;
          this.#options.report(`${named.name}: undo failed (attempt ${attempt})`, error);
          if ((await this.#options.undoDelay(attempt, error)) === "again") continue;
          const failure = toFailure(error, named.name);
          await this.#writeStep(named, "stuck");
          return { ...failure, message: `could not undo ${named.name}: ${failure.message}` };
        }
      }
      const elapsedMs = Math.round(this.#options.elapsedMs() - startedMs);
      const message = withElapsed(`${named.name} undone`, elapsedMs);
      this.#options.log.add({ ...this.#place(named), message, event: { type: "step-undone", elapsedMs } });
      await this.#writeStep(named, "undone");
    }
    return undefined;
  }

  async #writeStep({ name }: NamedStep<Deps>, state: "undone" | "stuck"): Promise<void> {
    const now = this.#options.now();
    const before = this.#before.get(name);
    const step = { name, attempts: before?.attempts ?? 1, startTime: before?.startTime ?? now, endTime: now, state };
    await this.#options.log.write({ step, facts: this.#facts });
  }

  async #finish(state: OperationState, error: Failure | undefined): Promise<void> {
    const { log, row, now, report, elapsedMs: clock } = this.#options;
    const elapsedMs = Math.round(clock() - this.#startMs);
    const message = withElapsed(error ? `${row.kind} ${state}: ${error.message}` : `${row.kind} ${state}`, elapsedMs);
    const event = { type: "finished" as const, state, elapsedMs, ...(error ? { error } : {}) };
    log.add({ step: "", phase: "", message, vmid: this.#facts.vmid ?? 0, event });
    await log.write({ state, endTime: now(), facts: this.#facts, scrub: true, ...(error ? { error } : {}) });
    report(`${row.kind} ${row.operationId}: ${state}, ${(elapsedMs / 1000).toFixed(1)} s`);
  }

  #voice(named: NamedStep<Deps>, signal: AbortSignal, attempt: number): StepVoice {
    const { row, log, elapsedMs, hold } = this.#options;
    const holdAs: StepIo["hold"] = (key, limit = 1) => hold(key, limit, signal, voice);
    const voice: StepVoice = new StepVoice({
      operationId: row.operationId,
      step: named.name,
      phase: named.phase,
      attempt,
      signal: AbortSignal.any([signal, this.#options.stopping]),
      log,
      elapsedMs,
      facts: () => this.#facts,
      setFacts: (facts) => {
        this.#facts = { ...this.#facts, ...facts };
      },
      hold: holdAs,
      operationElapsedMs: () => elapsedMs() - this.#startMs,
    });
    return voice;
  }

  #place(named: NamedStep<Deps>, voice?: StepVoice) {
    return { step: named.name, phase: voice?.currentPhase ?? named.phase, vmid: this.#facts.vmid ?? 0 };
  }

  /** One line a step, with the names of the code. */
  #report(named: NamedStep<Deps>, index: number, what: string, elapsedMs: number): void {
    const { kind, operationId } = this.#options.row;
    const place = `(${index + 1}/${this.#pipeline.steps.length})`;
    this.#options.report(
      `${kind} ${operationId} step ${named.name} ${place}: ${what}, ${(elapsedMs / 1000).toFixed(1)} s`,
    );
  }
}

/** What operations on one guest stand in line for. */
export const vmKey = (cluster: string, vmid: number): string => `vm:${cluster}/${vmid}`;

function startMessage(title: string, index: number, { phase }: { readonly phase: string }): string {
  return index === 0 ? `start ${title}` : (phase.split(" > ").at(-1) ?? phase);
}
