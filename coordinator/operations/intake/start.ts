import type { OperationDeps } from "../deps.ts";
import type { OperationRow } from "../engine/journal.ts";
import type { Operations, StartOptions } from "../engine/operations.ts";
import type { RunnablePipeline } from "../engine/pipeline.ts";

/** What every call that starts an operation brings. */
export interface CallOptions {
  /** Empty: none. */
  readonly requestId: string;
}

/** What an intake decides: the operation's beginning, without what every call has. */
export type Admitted = Omit<StartOptions, "requestId" | "request" | "cluster">;

/**
 * Starts an operation, or joins the one that the same request started before. `admit` checks the world and throws when
 * the operation could not succeed; it is not asked again for a request that was admitted once.
 */
export async function startOperation(
  deps: OperationDeps,
  operations: Operations<OperationDeps>,
  pipeline: RunnablePipeline<OperationDeps>,
  { requestId }: CallOptions,
  request: Readonly<Record<string, unknown>>,
  admit: () => Admitted | Promise<Admitted>,
): Promise<OperationRow> {
  const { cluster } = deps.settings;
  const plain = JSON.parse(JSON.stringify(request)) as Record<string, unknown>; // as it comes back from the journal
  const same = await operations.findSame(pipeline.name, cluster, requestId, plain);
  if (same) return same;
  const admitted = await admit();
  return operations.start(pipeline.name, {
    ...admitted,
    cluster,
    requestId,
    request: plain,
    input: { ...admitted.input, cluster },
  });
}
