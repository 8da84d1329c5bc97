import type { Duplex } from "node:stream";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { AgentService, ProbeMethod, PullPhase } from "../../gen/qmesh/agent/v1/agent_service_pb.js";
import { DomainError } from "../domain/errors.ts";
import type { Guest } from "../domain/guest.ts";
import type {
  CommandEvent,
  NodeClient,
  NodeCommand,
  NodeUpdate,
  ProbeResult,
  PullEvent,
  PullRequest,
  RunOptions,
} from "../ports/node-client.ts";
import { fromFacts, fromGuest, fromImage, fromNodeState, fromOutcome, fromUsage } from "./from-agent.ts";
import { callServerStream, callUnary, openBidi } from "./grpc-calls.ts";
import { fromGrpcError } from "./grpc-error.ts";
import { toAgentCommand } from "./to-agent.ts";
import { openTunnelStream } from "./tunnel-stream.ts";

/** The coordinator's identity in the mesh. */
export interface MeshIdentity {
  readonly ca: Buffer;
  readonly certificate: Buffer;
  readonly key: Buffer;
}

const unaryDeadlineMs = 10_000;
const phases: Record<PullPhase, "cached" | "checking" | "downloading" | "verifying"> = {
  [PullPhase.UNSPECIFIED]: "checking",
  [PullPhase.CACHED]: "cached",
  [PullPhase.CHECKING]: "checking",
  [PullPhase.DOWNLOADING]: "downloading",
  [PullPhase.VERIFYING]: "verifying",
};
const methods = AgentService.method;

/**
 * Speaks to one agent over gRPC with mTLS. The agent's certificate has to name the node, whatever its address is. Pings
 * find a peer that is frozen or unplugged within 8 s.
 */
export class GrpcNodeClient implements NodeClient {
  readonly node: string;
  readonly #address: string;
  readonly #credentials: grpc.ChannelCredentials;
  #client: grpc.Client | undefined;

  constructor(node: string, address: string, { ca, key, certificate }: MeshIdentity) {
    this.node = node;
    this.#address = address;
    this.#credentials = grpc.credentials.createSsl(ca, key, certificate);
  }

  async *watch(signal: AbortSignal): AsyncGenerator<NodeUpdate> {
    let expected = 1n;
    for await (const { sequence, event } of this.#stream(methods.watch, {}, signal)) {
      if (sequence !== expected) throw this.#unreachable("left out a part of its state");
      expected++;
      if (event.case === "full") {
        this.#requireName(event.value.node);
        yield { type: "state", state: fromNodeState(event.value) };
      } else if (event.case === "delta") {
        const { rest, usage, changedGuests, removedVmids } = event.value;
        yield {
          type: "delta",
          delta: {
            ...(rest ? { facts: fromFacts(rest) } : {}),
            ...(usage ? { usage: fromUsage(usage) } : {}),
            changedGuests: changedGuests.map(fromGuest),
            removedVmids,
          },
        };
      } else yield { type: "heartbeat" };
    }
  }

  async *run(commandId: string, command: NodeCommand, options: RunOptions): AsyncGenerator<CommandEvent> {
    const request = {
      commandId,
      command: toAgentCommand(command),
      timeout: durationFromMs(options.timeoutMs),
      afterSequence: BigInt(options.afterSequence),
    };
    for await (const { sequence: number, event } of this.#stream(methods.run, request, options.signal)) {
      const sequence = Number(number);
      if (event.case === "line") yield { type: "line", sequence, text: event.value };
      else if (event.case === "progress") {
        const { doneBytes, totalBytes } = event.value;
        yield { type: "progress", sequence, doneBytes: Number(doneBytes), totalBytes: Number(totalBytes) };
      } else if (event.case === "outcome") yield { type: "outcome", outcome: fromOutcome(event.value) };
    }
  }

  async cancelCommand(commandId: string): Promise<void> {
    await this.#call(methods.cancelCommand, { commandId });
  }

  async *pullImage(image: PullRequest, signal: AbortSignal): AsyncGenerator<PullEvent> {
    for await (const { event } of this.#stream(methods.pullImage, image, signal)) {
      if (event.case === "phase") yield { type: "phase", phase: phases[event.value] };
      else if (event.case === "image") yield { type: "image", image: fromImage(event.value) };
      else if (event.case === "progress") {
        const { doneBytes, totalBytes } = event.value;
        yield { type: "progress", doneBytes: Number(doneBytes), totalBytes: Number(totalBytes) };
      }
    }
  }

  async deleteImage(imageId: string): Promise<boolean> {
    return (await this.#call(methods.deleteImage, { imageId })).deleted;
  }

  openTunnel(vmid: number, port: number, signal: AbortSignal): Promise<Duplex> {
    return openTunnelStream(openBidi(this.#connect(), methods.tunnel), { vmid, port }, this.node, signal);
  }

  async readGuest(vmid: number): Promise<Guest> {
    const { guest } = await this.#call(methods.getGuestConfig, { vmid });
    if (!guest) throw this.#unreachable("answered without a guest");
    return fromGuest(guest);
  }

  async probeAddress(address: string, method: "arp" | "tcp", port: number, timeoutMs: number): Promise<ProbeResult> {
    const { inUse, conclusive, evidence } = await this.#call(methods.probeAddress, {
      address,
      method: method === "arp" ? ProbeMethod.ARP : ProbeMethod.TCP,
      tcpPort: port,
      timeout: durationFromMs(timeoutMs),
    });
    return { inUse, conclusive, evidence };
  }

  async listClusterGuests(): Promise<readonly Guest[]> {
    return (await this.#call(methods.listGuests, {})).guests.map(fromGuest);
  }

  reset(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  close(): void {
    this.reset();
  }

  #connect(): grpc.Client {
    this.#client ??= new grpc.Client(this.#address, this.#credentials, {
      "grpc.ssl_target_name_override": `${this.node}.node.qmesh.internal`,
      "grpc.keepalive_time_ms": 3000,
      "grpc.keepalive_timeout_ms": 5000,
      "grpc.keepalive_permit_without_calls": 1,
      "grpc.initial_reconnect_backoff_ms": 200,
      "grpc.max_reconnect_backoff_ms": 2000,
      "grpc.max_receive_message_length": 64 << 20,
      // Each node has a connection of its own, which a reset really ends.
      "grpc.use_local_subchannel_pool": 1,
    });
    return this.#client;
  }

  async #call<M extends Parameters<typeof callUnary>[1]>(method: M, request: Parameters<typeof callUnary<M>>[2]) {
    try {
      return await callUnary(this.#connect(), method, request, unaryDeadlineMs);
    } catch (error) {
      throw fromGrpcError(error, this.node);
    }
  }

  async *#stream<M extends Parameters<typeof callServerStream>[1]>(
    method: M,
    request: Parameters<typeof callServerStream<M>>[2],
    signal: AbortSignal,
  ) {
    try {
      yield* callServerStream(this.#connect(), method, request, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw fromGrpcError(error, this.node);
    }
  }

  /** A node's address can come to point at another node. */
  #requireName(name: string): void {
    if (name === this.node) return;
    const message = `the agent at ${this.#address} says that it is node ${name}, not ${this.node}`;
    throw new DomainError("unavailable", "NODE_NAME_DIFFERS", message, {
      node: this.node,
      name,
      address: this.#address,
    });
  }

  #unreachable(what: string): DomainError {
    return new DomainError("unavailable", "NODE_UNREACHABLE", `node ${this.node} ${what}`, { node: this.node });
  }
}
