import type { EventEmitter } from "node:events";
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type * as grpc from "@grpc/grpc-js";
import type { Logger } from "../logger.ts";
import { toStatus } from "./errors.ts";

/** What a handler gets besides its request. */
export interface CallContext {
  /** Aborted when the caller left or its deadline passed. */
  readonly signal: AbortSignal;
}

type Req<M extends DescMethod> = MessageShape<M["input"]>;
type Res<M extends DescMethod> = MessageInitShape<M["output"]>;

/** The handler of a method, by its kind. */
type Handler<M extends DescMethod> = M["methodKind"] extends "unary"
  ? (request: Req<M>, context: CallContext) => Promise<Res<M>>
  : M["methodKind"] extends "server_streaming"
    ? (request: Req<M>, context: CallContext) => AsyncIterable<Res<M>>
    : M["methodKind"] extends "bidi_streaming"
      ? (requests: AsyncIterable<Req<M>>, context: CallContext) => AsyncIterable<Res<M>>
      : never;

/** A handler for every method of a service. */
export type Handlers<S extends DescService> = { readonly [K in keyof S["method"]]: Handler<S["method"][K]> };

const encode = (desc: DescMessage) => (value: object) => Buffer.from(toBinary(desc, create(desc, { ...value })));
const decode = (desc: DescMessage) => (bytes: Buffer) => fromBinary(desc, bytes);

/** Describes a generated service to grpc-js. */
export function serviceDefinition(service: DescService): grpc.ServiceDefinition {
  return Object.fromEntries(
    service.methods.map((method): [string, grpc.MethodDefinition<object, object>] => [
      method.localName,
      {
        path: `/${service.typeName}/${method.name}`,
        requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
        responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
        requestSerialize: encode(method.input),
        requestDeserialize: decode(method.input),
        responseSerialize: encode(method.output),
        responseDeserialize: decode(method.output),
      },
    ]),
  );
}

/** Handlers as grpc-js wants them. `authorize` runs first and throws for a caller that may not call. */
export function serviceImplementation<S extends DescService>(
  service: S,
  handlers: Handlers<S>,
  authorize: (call: AnyCall) => void,
  log: Logger,
): grpc.UntypedServiceImplementation {
  return Object.fromEntries(
    service.methods.map((method): [string, grpc.UntypedHandleCall] => {
      const handler: unknown = handlers[method.localName as keyof S["method"]];
      return [method.localName, adapt(method, handler, authorize, log)];
    }),
  );
}

type AnyCall = grpc.ServerUnaryCall<object, object> | WritableCall;
type WritableCall = grpc.ServerWritableStream<object, object> | grpc.ServerDuplexStream<object, object>;
type UntypedHandler = (input: unknown, context: CallContext) => Promise<object> | AsyncIterable<object>;

function adapt(
  method: DescMethod,
  untyped: unknown,
  authorize: (call: AnyCall) => void,
  log: Logger,
): grpc.UntypedHandleCall {
  const handler = untyped as UntypedHandler; // `Handlers` has checked it against the method
  if (method.methodKind === "unary") {
    return (call: grpc.ServerUnaryCall<object, object>, callback: grpc.sendUnaryData<object>) => {
      const context = contextOf(call);
      Promise.resolve()
        .then(() => authorize(call))
        .then(() => handler(call.request, context) as Promise<object>)
        .then(
          (response) => callback(null, response),
          (error: unknown) => callback(toStatus(error, log)),
        );
    };
  }
  return (call: WritableCall) => {
    const context = contextOf(call);
    const input =
      method.methodKind === "bidi_streaming" ? call : (call as grpc.ServerWritableStream<object, object>).request;
    void pipe(
      call,
      () => {
        authorize(call);
        return handler(input, context) as AsyncIterable<object>;
      },
      context.signal,
      log,
    );
  };
}

/** Writes what a handler yields, no faster than the caller reads. */
async function pipe(
  call: WritableCall,
  start: () => AsyncIterable<object>,
  signal: AbortSignal,
  log: Logger,
): Promise<void> {
  try {
    for await (const message of start()) {
      if (signal.aborted) return;
      if (!call.write(message)) await drained(call, signal);
    }
    call.end();
  } catch (error) {
    if (signal.aborted) return; // nobody is left to tell
    call.emit("error", toStatus(error, log));
  }
}

function drained(call: WritableCall, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      call.off("drain", end);
      signal.removeEventListener("abort", end);
      resolve();
    };
    call.once("drain", end);
    signal.addEventListener("abort", end, { once: true });
  });
}

function contextOf(call: AnyCall): CallContext {
  const controller = new AbortController();
  const events: EventEmitter = call;
  events.on("cancelled", () => controller.abort());
  events.on("error", () => controller.abort()); // the peer's connection broke
  return { signal: controller.signal };
}
