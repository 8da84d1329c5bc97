import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { type ServiceError, status } from "@grpc/grpc-js";
import { type ErrorInfo, ErrorInfoSchema } from "../../gen/qmesh/v1/error_info_pb.js";
import { DomainError, type ErrorKind } from "../domain/errors.ts";

/** The agent's codes back to kinds. */
const kindOf: Partial<Record<status, ErrorKind>> = {
  [status.INVALID_ARGUMENT]: "invalid",
  [status.NOT_FOUND]: "not-found",
  [status.ALREADY_EXISTS]: "exists",
  [status.FAILED_PRECONDITION]: "conflict",
  [status.ABORTED]: "busy",
  [status.RESOURCE_EXHAUSTED]: "no-capacity",
  [status.UNAVAILABLE]: "unavailable",
  [status.CANCELLED]: "cancelled",
  [status.PERMISSION_DENIED]: "forbidden",
  [status.INTERNAL]: "internal",
};

/**
 * What a failed call to an agent means. The agent's own errors carry their reason; anything without one comes from the
 * connection: the node cannot be reached, whatever code the library found for that.
 */
export function fromGrpcError(error: unknown, node: string): DomainError {
  if (error instanceof DomainError) return error;
  if (!isServiceError(error))
    return new DomainError("internal", "INTERNAL", `the call to node ${node} failed`, { node }, { cause: error });
  const info = readErrorInfo(error);
  if (info)
    return new DomainError(
      kindOf[error.code] ?? "internal",
      info.reason,
      error.details,
      { ...info.metadata, node },
      { cause: error },
    );
  const why = error.code === status.DEADLINE_EXCEEDED ? "does not answer" : "cannot be reached";
  return new DomainError("unavailable", "NODE_UNREACHABLE", `node ${node} ${why}`, { node }, { cause: error });
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "details" in error && typeof error.code === "number";
}

/** Finds the ErrorInfo in a google.rpc.Status, which grpc-js leaves to its users to read. */
function readErrorInfo({ metadata }: ServiceError): ErrorInfo | undefined {
  const [bytes] = metadata?.get("grpc-status-details-bin") ?? [];
  if (!(bytes instanceof Uint8Array)) return undefined;
  for (const any of readFields(bytes, 3)) {
    const [typeUrl] = readFields(any, 1);
    const [value] = readFields(any, 2);
    if (typeUrl && value && new TextDecoder().decode(typeUrl).endsWith(`/${ErrorInfoSchema.typeName}`))
      return fromBinary(ErrorInfoSchema, value);
  }
  return undefined;
}

/** The length-delimited fields with one number. */
function readFields(bytes: Uint8Array, wanted: number): readonly Uint8Array[] {
  const reader = new BinaryReader(bytes);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === wanted) found.push(reader.bytes());
    else reader.skip(wireType);
  }
  return found;
}
