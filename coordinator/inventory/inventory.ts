import { EventEmitter } from "node:events";
import { DomainError } from "../domain/errors.ts";
import type { Guest, GuestKind } from "../domain/guest.ts";
import type { KnownNode, Link, NodeDelta, NodeFacts, NodeState, NodeUsage } from "../domain/node.ts";
import type { ClusterView } from "../ports/cluster-view.ts";

interface Entry {
  readonly name: string;
  link: Link;
  facts?: NodeFacts;
  usage?: NodeUsage;
  guests: Map<number, Placed>;
}

/** A guest on a node, with the moment in which it was found there: during a migration two nodes may show it. */
interface Placed {
  readonly guest: Guest;
  readonly foundAt: number;
}

/**
 * What the cluster is, fed by the links. A node that does not answer keeps its guests, whose state becomes unknown:
 * they are never taken for stopped or gone.
 */
export class Inventory implements ClusterView {
  readonly #nodes = new Map<string, Entry>();
  readonly #changes = new EventEmitter().setMaxListeners(0);
  #found = 0;

  /** `names` are the nodes that have an agent configured. */
  constructor(names: readonly string[]) {
    for (const name of names)
      this.#nodes.set(name, {
        name,
        link: { state: "disconnected", reason: `node ${name} was not reached yet` },
        guests: new Map(),
      });
  }

  /** What is remembered of a node from before a restart. */
  recall(name: string, facts: NodeFacts, lastSeen: Date): void {
    const entry = this.#nodes.get(name);
    if (!entry || entry.facts) return;
    entry.facts = facts;
    entry.link = { ...entry.link, lastSeen };
  }

  /** A node's whole state arrived: its link is up. */
  applyState(name: string, state: NodeState, now: Date): void {
    const entry = this.#entry(name);
    entry.link = { state: "connected", lastSeen: now, reason: "" };
    entry.facts = state.facts;
    entry.usage = state.usage;
    const before = entry.guests;
    entry.guests = new Map(state.guests.map((guest) => [guest.vmid, this.#place(guest, before.get(guest.vmid))]));
    this.#meetMembers(state.facts);
    this.#changed(name);
  }

  /** A part of a node's state changed. */
  applyDelta(name: string, delta: NodeDelta, now: Date): void {
    const entry = this.#entry(name);
    entry.link = { ...entry.link, lastSeen: now };
    if (delta.facts) {
      entry.facts = delta.facts;
      this.#meetMembers(delta.facts);
    }
    if (delta.usage) entry.usage = delta.usage;
    for (const vmid of delta.removedVmids) entry.guests.delete(vmid);
    for (const guest of delta.changedGuests)
      entry.guests.set(guest.vmid, this.#place(guest, entry.guests.get(guest.vmid)));
    this.#changed(name);
  }

  /** A sign of life. */
  seen(name: string, now: Date): void {
    const entry = this.#entry(name);
    entry.link = { ...entry.link, lastSeen: now };
  }

  /** A node stopped answering. */
  linkDown(name: string, reason: string): void {
    const entry = this.#entry(name);
    if (entry.link.state === "disconnected" && entry.link.reason === reason) return;
    entry.link = { ...entry.link, state: "disconnected", reason };
    this.#changed(name);
  }

  /** The guests of nodes that do not answer, or have no agent, as another node reads them in the cluster's files. */
  applyClusterGuests(guests: readonly Guest[]): void {
    for (const entry of this.#nodes.values()) {
      if (entry.link.state === "connected") continue;
      const here = guests.filter(({ node }) => node === entry.name);
      entry.guests = new Map(here.map((guest) => [guest.vmid, this.#place(guest, entry.guests.get(guest.vmid))]));
      this.#changed(entry.name);
    }
  }

  /** All nodes by name. */
  nodes(): readonly KnownNode[] {
    return [...this.#nodes.values()].toSorted((a, b) => a.name.localeCompare(b.name)).map((entry) => this.#show(entry));
  }

  node(name: string): KnownNode | undefined {
    const entry = this.#nodes.get(name);
    return entry && this.#show(entry);
  }

  /** Every guest of the cluster once, by VMID. */
  guests(kind?: GuestKind): readonly Guest[] {
    const best = new Map<number, Placed & { readonly entry: Entry }>();
    for (const entry of this.#nodes.values())
      for (const placed of entry.guests.values()) {
        const other = best.get(placed.guest.vmid);
        if (!other || isBetter({ ...placed, entry }, other)) best.set(placed.guest.vmid, { ...placed, entry });
      }
    return [...best.values()]
      .filter(({ guest }) => kind === undefined || guest.kind === kind)
      .map(({ guest, entry }) => withLink(guest, entry.link))
      .toSorted((a, b) => a.vmid - b.vmid);
  }

  /** One guest, wherever it is now. */
  guest(vmid: number): Guest | undefined {
    const found = [...this.#nodes.values()].flatMap((entry) => {
      const placed = entry.guests.get(vmid);
      return placed ? { ...placed, entry } : [];
    });
    const [best] = found.toSorted((a, b) => (isBetter(a, b) ? -1 : 1));
    return best && withLink(best.guest, best.entry.link);
  }

  /** The VM with this VMID, or NOT_FOUND. A container is no VM. */
  requireVm(vmid: number): Guest {
    const guest = this.guest(vmid);
    if (guest?.kind === "vm") return guest;
    throw new DomainError("not-found", "VM_NOT_FOUND", `there is no VM ${vmid}`, { vmid: String(vmid) });
  }

  /** Calls `listener` with a node's name whenever something about it changed. The result ends it. */
  subscribe(listener: (name: string) => void): () => void {
    this.#changes.on("change", listener);
    return () => this.#changes.off("change", listener);
  }

  /** Waits until something is so. False when it was not in time. */
  async waitFor(condition: () => boolean, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    if (condition()) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const end = () => resolve(condition());
    const unsubscribe = this.subscribe(() => condition() && resolve(true));
    const timer = setTimeout(end, timeoutMs);
    signal.addEventListener("abort", end, { once: true });
    try {
      return await promise;
    } finally {
      unsubscribe();
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
    }
  }

  /** Nodes of the cluster that no agent is configured for: their guests count, and nothing can be done there. */
  #meetMembers({ members }: NodeFacts): void {
    for (const { name } of members)
      if (!this.#nodes.has(name))
        this.#nodes.set(name, {
          name,
          link: { state: "no-agent", reason: `node ${name} has no agent configured (NODE_${name})` },
          guests: new Map(),
        });
  }

  #place(guest: Guest, before: Placed | undefined): Placed {
    return { guest, foundAt: before?.foundAt ?? ++this.#found };
  }

  #entry(name: string): Entry {
    const entry = this.#nodes.get(name);
    if (!entry) throw new Error(`node ${name} is not part of the inventory`);
    return entry;
  }

  #show({ name, link, facts, usage, guests }: Entry): KnownNode {
    const shown = [...guests.values()].map(({ guest }) => withLink(guest, link));
    return { name, link, ...(facts ? { facts } : {}), ...(usage ? { usage } : {}), guests: shown };
  }

  #changed(name: string): void {
    this.#changes.emit("change", name);
  }
}

/** Of two nodes that show the same guest, one that answers counts more, and then the one that found it later. */
function isBetter(a: Placed & { entry: Entry }, b: Placed & { entry: Entry }): boolean {
  const connected = (x: { entry: Entry }) => Number(x.entry.link.state === "connected");
  return connected(a) === connected(b) ? a.foundAt > b.foundAt : connected(a) > connected(b);
}

function withLink(guest: Guest, { state, lastSeen, reason }: Link): Guest {
  if (state === "connected") return guest;
  const { usage: _old, ...rest } = guest;
  return { ...rest, state: "unknown", unknown: { reason, ...(lastSeen ? { since: lastSeen } : {}) } };
}
