import { setTimeout as sleep } from "node:timers/promises";
import { DomainError } from "../domain/errors.ts";
import type { NodeFacts } from "../domain/node.ts";
import type { Clock } from "../ports/clock.ts";
import type { NodeClient } from "../ports/node-client.ts";
import type { Inventory } from "./inventory.ts";

/** An agent says something every 3 s; a silence this long means that it is frozen or cut off. */
const silenceMs = 8000;
/** Redialling quickly brings a healed link back soon; a little chance keeps fifty nodes from coming at once. */
const redialMs = () => 500 + Math.random() * 1500;

export interface NodeLinkOptions {
  readonly client: NodeClient;
  readonly inventory: Inventory;
  readonly clock: Clock;
  /** Told when a node's facts arrived or changed, to remember them. */
  readonly onFacts: (facts: NodeFacts) => void;
  readonly report: (message: string) => void;
}

/** Keeps the connection to one node and feeds the inventory with what it says, for as long as the signal allows. */
export async function keepLink(options: NodeLinkOptions, signal: AbortSignal): Promise<void> {
  const { client, inventory, report } = options;
  let wasUp = true;
  while (!signal.aborted) {
    const reason = await followNode(options, signal);
    if (signal.aborted) return;
    const isUp = inventory.node(client.node)?.link.state === "connected";
    if (isUp || wasUp) report(`${client.node}: ${reason}`);
    wasUp = isUp;
    inventory.linkDown(client.node, reason);
    client.reset();
    await sleep(redialMs(), undefined, { signal }).catch(() => {}); // stopping: the loop ends
  }
}

/** Follows a node until it is lost, and tells why it was. */
async function followNode(options: NodeLinkOptions, signal: AbortSignal): Promise<string> {
  const { client, inventory, clock, onFacts, report } = options;
  const lost = new AbortController();
  let timer = setTimeout(() => lost.abort(), silenceMs);
  try {
    for await (const update of client.watch(AbortSignal.any([signal, lost.signal]))) {
      clearTimeout(timer);
      timer = setTimeout(() => lost.abort(), silenceMs);
      switch (update.type) {
        case "state":
          if (inventory.node(client.node)?.link.state !== "connected") report(`${client.node}: connected`);
          inventory.applyState(client.node, update.state, clock.now());
          onFacts(update.state.facts);
          break;
        case "delta":
          inventory.applyDelta(client.node, update.delta, clock.now());
          if (update.delta.facts) onFacts(update.delta.facts);
          break;
        case "heartbeat":
          inventory.seen(client.node, clock.now());
          break;
        default:
          update satisfies never;
      }
    }
    return `node ${client.node} closed the connection`;
  } catch (error) {
    if (lost.signal.aborted) return `node ${client.node} does not answer`;
    return error instanceof DomainError ? error.message : `node ${client.node} failed: ${String(error)}`;
  } finally {
    clearTimeout(timer);
  }
}

const clusterGuestsEveryMs = 5000;

/** Learns the guests of nodes that do not answer from one that does, for they hold VMIDs and addresses too. */
export async function keepOfflineGuests(
  clients: ReadonlyMap<string, NodeClient>,
  inventory: Inventory,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const nodes = inventory.nodes();
    const missing = nodes.some(({ link }) => link.state !== "connected");
    const asked = nodes.find(({ link, facts }) => link.state === "connected" && facts?.quorate === true);
    const client = asked && clients.get(asked.name);
    if (missing && client)
      await client.listClusterGuests().then(
        (guests) => inventory.applyClusterGuests(guests),
        () => {}, // the link of that node tells of it, and another one is asked next time
      );
    await sleep(clusterGuestsEveryMs, undefined, { signal }).catch(() => {}); // stopping: the loop ends
  }
}
