import type { EventKind, OperationEvent } from "./events.ts";
import type { Journal, JournalBatch } from "./journal.ts";

/** An event before it has a place in the journal. */
export interface NewEvent {
  readonly step: string;
  readonly phase: string;
  readonly message: string;
  readonly vmid: number;
  readonly address?: string;
  readonly event: EventKind;
}

export interface OperationLogOptions {
  readonly journal: Journal;
  readonly operationId: string;
  readonly lastSequence: number;
  readonly now: () => Date;
  /** Told after events are in the journal. */
  readonly onWritten: () => void;
  /** Told when the journal refuses; the write is tried again after `retryDelay`. */
  readonly onRefused: (error: unknown) => void;
  /** Waits before the next try; rejects when the program stops. */
  readonly retryDelay: (attempt: number) => Promise<void>;
}

/**
 * Writes one operation's events, in order and without gaps. Events that nobody waits for are gathered and written
 * together with the next change. While the journal refuses (a full disk), the operation waits: nothing goes on that is
 * not written.
 */
export class OperationLog {
  readonly #options: OperationLogOptions;
  #sequence: number;
  #pending: OperationEvent[] = [];
  #writing: Promise<void> = Promise.resolve();
  #scheduled = false;

  constructor(options: OperationLogOptions) {
    this.#options = options;
    this.#sequence = options.lastSequence;
  }

  /** Adds an event; it is written soon. */
  add({ address = "", ...event }: NewEvent): void {
    this.#pending.push({ ...event, address, sequence: ++this.#sequence, time: this.#options.now() });
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.write({}).catch(() => {}); // whoever writes next meets the same error
    });
  }

  /** Writes what was added and a change of state in one transaction, and returns when it is on disk. */
  write(change: Omit<JournalBatch, "events">): Promise<void> {
    const turn = this.#writing.then(() => this.#writeNow(change));
    this.#writing = turn.catch(() => {}); // the caller of this turn gets the error
    return turn;
  }

  async #writeNow(change: Omit<JournalBatch, "events">): Promise<void> {
    const events = this.#pending;
    this.#pending = [];
    if (events.length === 0 && Object.keys(change).length === 0) return;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#options.journal.append(this.#options.operationId, { events, ...change });
        break;
      } catch (error) {
        this.#options.onRefused(error);
        await this.#options.retryDelay(attempt);
      }
    }
    this.#options.onWritten();
  }
}
