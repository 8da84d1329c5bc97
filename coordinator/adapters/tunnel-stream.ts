import { Duplex } from "node:stream";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type * as grpc from "@grpc/grpc-js";
import type { TunnelRequestSchema, TunnelResponse } from "../../gen/qmesh/agent/v1/agent_service_pb.js";
import { DomainError } from "../domain/errors.ts";
import { fromGrpcError } from "./grpc-error.ts";

type TunnelCall = grpc.ClientDuplexStream<MessageInitShape<typeof TunnelRequestSchema>, TunnelResponse>;

const maxChunkBytes = 64 * 1024;
const openTimeoutMs = 8000;

/** A tunnel as an ordinary two-way stream, once the agent says that the connection stands. */
export function openTunnelStream(
  call: TunnelCall,
  open: { readonly vmid: number; readonly port: number },
  node: string,
  signal: AbortSignal,
): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const stream = new TunnelStream(call, node);
    const fail = (error: unknown) => {
      finish();
      stream.destroy();
      reject(error);
    };
    const onAbort = () => fail(signal.reason);
    const timer = setTimeout(
      () => fail(new DomainError("unavailable", "NODE_UNREACHABLE", `node ${node} does not answer`, { node })),
      openTimeoutMs,
    );
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      stream.off("error", fail);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    stream.once("error", fail);
    stream.once("opened", () => {
      finish();
      resolve(stream);
    });
    call.write({
      message: { case: "open", value: { vmid: open.vmid, target: { case: "tcpPort", value: open.port } } },
    });
  });
}

class TunnelStream extends Duplex {
  readonly #call: TunnelCall;

  constructor(call: TunnelCall, node: string) {
    super();
    this.#call = call;
    call.on("data", ({ message }: TunnelResponse) => {
      if (message.case === "opened") this.emit("opened");
      if (message.case === "data" && !this.push(Buffer.from(message.value))) call.pause();
    });
    call.on("end", () => this.push(null));
    call.on("error", (error) => this.destroy(fromGrpcError(error, node)));
  }

  override _read(): void {
    this.#call.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    let ready = true;
    for (let start = 0; start < chunk.length; start += maxChunkBytes)
      ready = this.#call.write({ message: { case: "data", value: chunk.subarray(start, start + maxChunkBytes) } });
    if (ready) done();
    else this.#call.once("drain", () => done());
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#call.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#call.cancel();
    done(error);
  }
}
