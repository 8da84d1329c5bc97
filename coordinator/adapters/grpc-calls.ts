import {
  create,
  type DescMethod,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type * as grpc from "@grpc/grpc-js";

/** The calls of one generated service over grpc-js. Errors come as grpc-js has them. */

type Input<M extends DescMethod> = MessageInitShape<M["input"]>;
type Output<M extends DescMethod> = MessageShape<M["output"]>;

/** Where a method is, and how its messages become bytes. */
function wire<M extends DescMethod>(method: M) {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    serialize: (message: Input<M>) =>
      Buffer.from(toBinary<M["input"]>(method.input, create<M["input"]>(method.input, message))),
    deserialize: (bytes: Buffer): Output<M> => fromBinary<M["output"]>(method.output, bytes),
  };
}

/** A unary call, which always has a deadline: a frozen peer would keep it for ever. */
export function callUnary<M extends DescMethodUnary>(
  client: grpc.Client,
  method: M,
  request: Input<M>,
  deadlineMs: number,
): Promise<Output<M>> {
  const { path, serialize, deserialize } = wire(method);
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      serialize,
      deserialize,
      request,
      { deadline: Date.now() + deadlineMs },
      (error, value) => {
        if (error) reject(error);
        else if (value === undefined) reject(new Error(`${path} answered nothing`));
        else resolve(value);
      },
    );
  });
}

/** A stream of answers. It is cancelled when the reader stops reading. */
export async function* callServerStream<M extends DescMethodServerStreaming>(
  client: grpc.Client,
  method: M,
  request: Input<M>,
  signal: AbortSignal,
): AsyncGenerator<Output<M>> {
  signal.throwIfAborted();
  const { path, serialize, deserialize } = wire(method);
  const call = client.makeServerStreamRequest(path, serialize, deserialize, request);
  const cancel = () => call.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for await (const message of call) yield message as Output<M>;
  } catch (error) {
    signal.throwIfAborted(); // we ended it
    throw error;
  } finally {
    signal.removeEventListener("abort", cancel);
    call.on("error", () => {}).cancel(); // leaving the loop alone would not end the call
  }
}

/** A stream both ways. */
export function openBidi<M extends DescMethodBiDiStreaming>(
  client: grpc.Client,
  method: M,
): grpc.ClientDuplexStream<Input<M>, Output<M>> {
  const { path, serialize, deserialize } = wire(method);
  return client.makeBidiStreamRequest(path, serialize, deserialize);
}
