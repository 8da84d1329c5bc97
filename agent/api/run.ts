import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { RunRequest, RunResponseSchema } from "../../gen/qmesh/agent/v1/agent_service_pb.js";
import type { CommandService } from "../commands/command-service.ts";
import { AgentError } from "../errors.ts";
import { parseProgress } from "../qm/progress.ts";
import type { NodeWatcher } from "../state/node-watcher.ts";
import { toCommand } from "./command-schema.ts";
import { toOutcome } from "./to-proto.ts";

const defaultTimeoutMs = 3600_000;
const maxTimeoutMs = 86_400_000;

/** Starts a command or attaches to it, and streams its output and its outcome. */
export async function* runCommand(
  request: RunRequest,
  commands: CommandService,
  watcher: NodeWatcher,
  signal: AbortSignal,
): AsyncGenerator<MessageInitShape<typeof RunResponseSchema>> {
  const timeoutMs = request.timeout ? durationMs(request.timeout) : defaultTimeoutMs;
  if (timeoutMs < 1000 || timeoutMs > maxTimeoutMs)
    throw new AgentError("invalid", "COMMAND_INVALID", `timeout: ${timeoutMs / 1000} s is not in 1 to 86400 s`);
  const running = request.command
    ? commands.start(request.commandId, toCommand(request.command), timeoutMs)
    : commands.find(request.commandId);
  let sequence = 0n;
  for await (const line of running.lines(signal)) {
    if (line === "") continue;
    sequence++;
    if (sequence <= request.afterSequence) continue;
    const progress = parseProgress(line);
    yield {
      sequence,
      event: progress
        ? {
            case: "progress",
            value: { doneBytes: BigInt(progress.doneBytes), totalBytes: BigInt(progress.totalBytes) },
          }
        : { case: "line", value: line },
    };
  }
  if (signal.aborted) return;
  const { outcome, command } = await running.ended;
  if (!outcome) throw new Error("a command ended without an outcome");
  const { guests } = await watcher.refresh(); // whoever asks next sees what the command did
  yield {
    sequence: sequence + 1n,
    event: { case: "outcome", value: toOutcome(outcome, guests.get(command.vmid)) },
  };
}
