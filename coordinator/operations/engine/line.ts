/** Who waits for what, behind whom. */
export interface Waiting {
  readonly key: string;
  /** How many are before it in the line. */
  readonly place: number;
  /** Who holds it now. */
  readonly holders: readonly string[];
}

interface Turn {
  readonly holder: string;
  readonly resolve: () => void;
}

/**
 * Keeps holders in line for keys that only so many may hold at once, in the order of their coming. It mirrors Proxmox's
 * own locks (per VM, per storage), so that nobody runs into their timeouts.
 */
export class Line {
  readonly #holders = new Map<string, string[]>();
  readonly #waiting = new Map<string, Turn[]>();

  /** Takes `key` when its turn comes. `onWaiting` is told when that is not at once. The result gives it back. */
  async take(
    key: string,
    limit: number,
    holder: string,
    signal: AbortSignal,
    onWaiting: (waiting: Waiting) => void,
  ): Promise<() => void> {
    signal.throwIfAborted();
    const holders = this.#holders.get(key) ?? [];
    const waiting = this.#waiting.get(key) ?? [];
    this.#holders.set(key, holders);
    this.#waiting.set(key, waiting);
    if (holders.length >= limit || waiting.length > 0) {
      onWaiting({ key, place: waiting.length, holders: [...holders] });
      await this.#waitForTurn(waiting, holder, signal);
    } else {
      holders.push(holder);
    }
    let given = false;
    return () => {
      if (given) return;
      given = true;
      holders.splice(holders.indexOf(holder), 1);
      const next = holders.length < limit ? waiting.shift() : undefined;
      if (next) {
        holders.push(next.holder);
        next.resolve();
      } else if (holders.length === 0) {
        this.#holders.delete(key);
        this.#waiting.delete(key);
      }
    };
  }

  /** Who holds a key now. */
  holders(key: string): readonly string[] {
    return this.#holders.get(key) ?? [];
  }

  async #waitForTurn(waiting: Turn[], holder: string, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const turn = {
        holder,
        resolve: () => {
          signal.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      const onAbort = () => {
        const index = waiting.indexOf(turn);
        if (index >= 0) waiting.splice(index, 1);
        reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      waiting.push(turn);
    });
  }
}
