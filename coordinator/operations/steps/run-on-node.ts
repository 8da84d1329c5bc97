import { DomainError } from "../../domain/errors.ts";
import type { CommandOutcome, NodeClient, NodeCommand } from "../../ports/node-client.ts";
import type { OperationDeps } from "../deps.ts";
import type { StepIo } from "../engine/step.ts";

/** How a command is run. */
export interface RunOnNodeOptions {
  /** Tells this command from others of the same step. The same label is the same command, also after a restart. */
  readonly label: string;
  readonly timeoutMs?: number;
}

const defaultTimeoutMs = 3600_000;
/** A cancelled command that does not end in this time is left to the agent, which goes on asking it to. */
const cancelWaitMs = 60_000;
const progressEveryMs = 250;
/** How long the inventory may take to show what a command did. */
const showTimeoutMs = 5000;

/**
 * Runs a command on a node to its end. When the link is lost the command goes on there; this waits for the link and
 * attaches to it again. A cancel is passed on, and waited for.
 */
export async function runOnNode(
  deps: OperationDeps,
  node: string,
  command: NodeCommand,
  io: StepIo,
  { label, timeoutMs = defaultTimeoutMs }: RunOnNodeOptions,
): Promise<CommandOutcome> {
  const outcome = await followCommand(deps, node, command, io, io.commandId(label), timeoutMs);
  for (const line of outcome.stderrTail.split("\n")) if (line.trim() !== "") io.log(line);
  io.signal.throwIfAborted();
  if (!outcome.succeeded) {
    const { kind, reason, message, metadata } = outcome.error ?? unknownFailure;
    throw new DomainError(kind, reason, message, { ...metadata, node });
  }
  return outcome;
}

const unknownFailure = { kind: "internal", reason: "QM_FAILED", message: "the command failed", metadata: {} } as const;

async function followCommand(
  deps: OperationDeps,
  node: string,
  command: NodeCommand,
  io: StepIo,
  commandId: string,
  timeoutMs: number,
): Promise<CommandOutcome> {
  const leave = new AbortController();
  const onAbort = () => {
    if (!isCancel(io.signal.reason)) return leave.abort(io.signal.reason); // the coordinator stops: the command goes on
    void clientOf(deps, node)
      .cancelCommand(commandId)
      .catch(() => {}); // the outcome will tell
    setTimeout(() => leave.abort(io.signal.reason), cancelWaitMs).unref();
  };
  io.signal.throwIfAborted();
  io.signal.addEventListener("abort", onAbort, { once: true });
  let sequence = 0;
  try {
    for (;;) {
      await waitForLink(deps, node, io, leave.signal);
      try {
        const tell = progressTeller(io);
        const options = { timeoutMs, afterSequence: sequence, signal: leave.signal };
        for await (const event of clientOf(deps, node).run(commandId, command, options)) {
          if (event.type === "outcome") return event.outcome;
          sequence = Math.max(sequence, event.sequence);
          if (event.type === "line") io.log(event.text);
          else tell(event.doneBytes, event.totalBytes);
        }
        throw new DomainError("unavailable", "NODE_UNREACHABLE", `node ${node} ended the stream of a command`, {
          node,
        });
      } catch (error) {
        if (leave.signal.aborted || !(error instanceof DomainError) || error.kind !== "unavailable") throw error;
        if (error.reason !== "NODE_UNREACHABLE") throw error;
        io.notice("warning", `${error.message}; the command goes on there, and is attached to again`);
        await linkNoticed(deps, node, leave.signal);
      }
    }
  } finally {
    io.signal.removeEventListener("abort", onAbort);
  }
}

/** Waits until a node answers, and says so while it does not. Throws when it takes too long. */
export async function waitForLink(deps: OperationDeps, node: string, io: StepIo, signal: AbortSignal): Promise<void> {
  const isUp = () => deps.cluster.node(node)?.link.state === "connected";
  if (isUp()) return;
  const { linkTimeoutMs } = deps.settings;
  io.notice("warning", `waiting for node ${node}: ${deps.cluster.node(node)?.link.reason ?? "it is not known"}`);
  const isBack = await deps.cluster.waitFor(isUp, linkTimeoutMs, signal);
  signal.throwIfAborted();
  if (!isBack) throw unreachable(deps, node);
  io.notice("info", `node ${node} answers again`);
}

/** The client of a node; nodes without an agent have none. */
export function clientOf(deps: OperationDeps, node: string): NodeClient {
  const client = deps.nodes.get(node);
  if (client) return client;
  throw unreachable(deps, node);
}

/** Why nothing can be done on a node now, and since when. */
export function unreachable(deps: Pick<OperationDeps, "cluster">, node: string): DomainError {
  const link = deps.cluster.node(node)?.link;
  const since = link?.lastSeen ? `, last seen ${link.lastSeen.toISOString()}` : ", never seen";
  const reason = link?.reason === undefined || link.reason === "" ? `node ${node} does not answer` : link.reason;
  const lastSeen = link?.lastSeen?.toISOString() ?? "";
  return new DomainError("unavailable", "NODE_UNREACHABLE", `${reason}${since}`, { node, lastSeen });
}

/** Waits until the inventory shows what a command did, so that the next question meets it. */
export async function waitToShow(deps: OperationDeps, condition: () => boolean, io: StepIo): Promise<void> {
  await deps.cluster.waitFor(condition, showTimeoutMs, io.signal);
}

/** A call can fail a moment before the inventory knows that the link is down: give it that moment. */
async function linkNoticed(deps: OperationDeps, node: string, signal: AbortSignal): Promise<void> {
  await deps.cluster.waitFor(() => deps.cluster.node(node)?.link.state !== "connected", 1000, signal);
}

function isCancel(reason: unknown): boolean {
  return reason instanceof DomainError && reason.kind === "cancelled";
}

function progressTeller(io: StepIo): (doneBytes: number, totalBytes: number) => void {
  let lastMs = Number.NEGATIVE_INFINITY;
  return (doneBytes, totalBytes) => {
    const now = performance.now();
    if (now - lastMs < progressEveryMs && doneBytes < totalBytes) return;
    lastMs = now;
    io.progress(doneBytes, totalBytes);
  };
}
