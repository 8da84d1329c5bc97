import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Metadata, type StatusObject, status } from "@grpc/grpc-js";
import { ErrorInfoSchema } from "../../gen/qmesh/v1/error_info_pb.js";
import { AgentError, type ErrorKind } from "../errors.ts";
import type { Logger } from "../logger.ts";

/** The one table from the agent's errors to the wire. A new kind does not compile until it has a row. */
const codeOf: Record<ErrorKind, status> = {
  invalid: status.INVALID_ARGUMENT,
  "not-found": status.NOT_FOUND,
  exists: status.ALREADY_EXISTS,
  conflict: status.FAILED_PRECONDITION,
  busy: status.ABORTED,
  "no-capacity": status.RESOURCE_EXHAUSTED,
  unavailable: status.UNAVAILABLE,
  cancelled: status.CANCELLED,
  forbidden: status.PERMISSION_DENIED,
  internal: status.INTERNAL,
};

/** The status a call ends with. What is not an AgentError is a bug: it is logged whole and told as INTERNAL. */
export function toStatus(error: unknown, log: Logger): StatusObject {
  const known = error instanceof AgentError;
  if (!known) log.error({ err: error }, "a call failed for a reason that nobody foresaw");
  const { kind, reason, message, metadata } = known
    ? error
    : { kind: "internal" as const, reason: "INTERNAL", message: "internal error", metadata: {} };
  const code = codeOf[kind];
  const trailer = new Metadata();
  const info = toBinary(
    ErrorInfoSchema,
    create(ErrorInfoSchema, { reason, domain: "qmesh", metadata: { ...metadata } }),
  );
  trailer.set(
    "grpc-status-details-bin",
    encodeStatus(code, message, `type.googleapis.com/${ErrorInfoSchema.typeName}`, info),
  );
  return { code, details: message, metadata: trailer };
}

/** google.rpc.Status with one detail: grpc-js leaves it to its users to build it. */
function encodeStatus(code: number, message: string, typeUrl: string, value: Uint8Array): Buffer {
  const any = new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string(typeUrl)
    .tag(2, WireType.LengthDelimited)
    .bytes(value)
    .finish();
  return Buffer.from(
    new BinaryWriter()
      .tag(1, WireType.Varint)
      .int32(code)
      .tag(2, WireType.LengthDelimited)
      .string(message)
      .tag(3, WireType.LengthDelimited)
      .bytes(any)
      .finish(),
  );
}
