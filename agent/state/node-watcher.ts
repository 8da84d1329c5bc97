import type { UsageReader } from "../host/usage.ts";
import type { Logger } from "../logger.ts";
import type { Guest, GuestConfig } from "../pve/guest.ts";
import type { Rrd } from "../pve/rrd.ts";
import type { VmlistEntry } from "../pve/vmlist.ts";
import type { FactsReader } from "./facts-reader.ts";
import type { GuestReader } from "./guest-reader.ts";
import { diffStates, type NodeDelta, type NodeState } from "./node-state.ts";

/** How often each part is read. Guests decide: their changes have to be seen within a second. */
const guestsEveryMs = 400;
const usageEveryMs = 4000;
const factsEveryMs = 8000;

/** Keeps the node's state in memory by reading it again and again, and tells subscribers what changed. */
export class NodeWatcher {
  readonly #facts: FactsReader;
  readonly #guests: GuestReader;
  readonly #usage: UsageReader;
  readonly #log: Logger;
  readonly #subscribers = new Set<(delta: NodeDelta) => void>();
  #state: NodeState | undefined;
  #rrd: Rrd | undefined;
  #usageReadAtMs = 0;
  #factsReadAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  /** The reading under way, and whether another has to follow it. */
  #reading: Promise<void> | undefined;
  #failed = false;
  readonly #stopped = new AbortController();

  constructor(facts: FactsReader, guests: GuestReader, usage: UsageReader, log: Logger) {
    this.#facts = facts;
    this.#guests = guests;
    this.#usage = usage;
    this.#log = log;
  }

  /** Reads once, which fails on a machine without pmxcfs, and then goes on until `stop`. */
  async start(): Promise<void> {
    await this.#read(true);
    this.#schedule();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#stopped.abort();
    this.#subscribers.clear();
  }

  /** Aborted by `stop`: streams of the state end. */
  get stopped(): AbortSignal {
    return this.#stopped.signal;
  }

  /** The state of the last reading. */
  get state(): NodeState {
    if (!this.#state) throw new Error("the node's state was asked for before it was read");
    return this.#state;
  }

  /** Reads the guests now, and with `facts` everything. Used after a change, so that whoever asks next sees it. */
  async refresh(what: "guests" | "facts" = "guests"): Promise<NodeState> {
    await this.#readOnce(what === "facts");
    return this.state;
  }

  /** Calls `listener` for every change from now on. The result ends it. */
  subscribe(listener: (delta: NodeDelta) => void): () => void {
    this.#subscribers.add(listener);
    return () => this.#subscribers.delete(listener);
  }

  /** A guest of this node, its configuration read now; undefined when it is not here. */
  async readGuest(vmid: number): Promise<Guest | undefined> {
    return (await this.refresh()).guests.get(vmid);
  }

  /** The node that has a guest now, by the cluster's files; undefined when none has. */
  async findNode(vmid: number): Promise<string | undefined> {
    return (await this.#guests.readVmlist()).find((entry) => entry.vmid === vmid)?.node;
  }

  /** The guests of the whole cluster, from its files: configurations, no states. */
  async readClusterGuests(wanted: (entry: VmlistEntry) => boolean): Promise<readonly Guest[]> {
    const entries = (await this.#guests.readVmlist()).filter(wanted);
    const configs = await Promise.all(
      entries.map(
        async (entry): Promise<[VmlistEntry, GuestConfig | undefined]> => [entry, await this.#guests.readConfig(entry)],
      ),
    );
    return configs.flatMap(([{ vmid, node, kind }, config]) =>
      config ? { vmid, node, kind, config, state: "unknown" as const, pid: 0 } : [],
    );
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#readOnce(false)
        .then(
          () => this.#reportRecovery(),
          (error: unknown) => this.#reportFailure(error),
        )
        .finally(() => {
          if (!this.#stopped.signal.aborted) this.#schedule();
        });
    }, guestsEveryMs);
  }

  /** Readings never overlap: who comes during one waits for it and then reads. */
  async #readOnce(everything: boolean): Promise<void> {
    while (this.#reading) await this.#reading.catch(() => {}); // its own caller reports it
    this.#reading = this.#read(everything).finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(everything: boolean): Promise<void> {
    const now = performance.now();
    const before = this.#state;
    const members = await this.#facts.readMembers();
    const factsDue = everything || !before || now - this.#factsReadAtMs >= factsEveryMs;
    const membershipChanged = before?.facts.quorate !== members.quorate;
    if (factsDue) this.#rrd = await this.#facts.readRrd(members.nodeName);
    const rrd = this.#rrd ?? { vms: new Map(), storages: new Map() };
    const facts = factsDue || membershipChanged || !before ? await this.#facts.read(members, rrd) : before.facts;
    if (factsDue) this.#factsReadAtMs = now;
    const usageDue = !before || now - this.#usageReadAtMs >= usageEveryMs;
    const usage = usageDue ? await this.#usage.read() : before.usage;
    if (usageDue) this.#usageReadAtMs = now;
    const guests = await this.#guests.read(members.nodeName, rrd, usage.uptimeS + (now - this.#usageReadAtMs) / 1000);
    this.#state = { facts, usage, guests };
    const delta = before && diffStates(before, this.#state);
    if (delta) for (const subscriber of this.#subscribers) subscriber(delta);
  }

  /** pmxcfs can be away for a while, during an update of Proxmox for one. The last state stays, and it is said once. */
  #reportFailure(error: unknown): void {
    if (!this.#failed) this.#log.error({ err: error }, "reading the node's state failed; trying again");
    this.#failed = true;
  }

  #reportRecovery(): void {
    if (this.#failed) this.#log.info("the node's state can be read again");
    this.#failed = false;
  }
}
