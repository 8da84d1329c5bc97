import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/qmesh/v1/error_info_pb.js";
import { DomainError, type ErrorKind, type FieldViolation } from "../domain/errors.ts";

/** The one table from our errors to the wire. A new kind does not compile until it has a row. */
const codeOf: Record<ErrorKind, Code> = {
  invalid: Code.InvalidArgument,
  "not-found": Code.NotFound,
  exists: Code.AlreadyExists,
  conflict: Code.FailedPrecondition,
  busy: Code.Aborted,
  "no-capacity": Code.ResourceExhausted,
  unavailable: Code.Unavailable,
  cancelled: Code.Canceled,
  forbidden: Code.PermissionDenied,
  internal: Code.Internal,
};

/** The same kinds as HTTP statuses, for REST. */
const httpStatusOf: Record<ErrorKind, number> = {
  invalid: 400,
  "not-found": 404,
  exists: 409,
  conflict: 409,
  busy: 409,
  "no-capacity": 507,
  unavailable: 503,
  cancelled: 499,
  forbidden: 403,
  internal: 500,
};

/** An error as REST tells it. */
export interface PlainError {
  readonly status: number;
  readonly message: string;
  readonly reason: string;
  readonly violations: readonly FieldViolation[];
}

/** Told of errors that nobody foresaw, once, at the edge. */
export type ReportBug = (error: unknown) => void;

/** What the caller of any protocol of Connect gets. */
export function toConnectError(error: unknown, report: ReportBug): ConnectError {
  if (error instanceof ConnectError) return error;
  if (!(error instanceof DomainError)) {
    if (isAbort(error)) return new ConnectError("the call was ended", Code.Canceled);
    report(error);
    return new ConnectError("internal error", Code.Internal);
  }
  const { kind, reason, message, metadata, violations } = error;
  const info = { desc: ErrorInfoSchema, value: { reason, domain: "qmesh", metadata: { ...metadata } } };
  const bad = { desc: BadRequestSchema, value: { fieldViolations: violations.map((violation) => ({ ...violation })) } };
  const details = violations.length > 0 ? [info, bad] : [info];
  return new ConnectError(message, codeOf[kind], undefined, details, error);
}

/** What a caller of REST gets. */
export function toPlainError(error: unknown, report: ReportBug): PlainError {
  if (error instanceof DomainError) {
    const { kind, message, reason, violations } = error;
    return { status: httpStatusOf[kind], message, reason, violations };
  }
  if (!isAbort(error)) report(error);
  return { status: 500, message: "internal error", reason: "INTERNAL", violations: [] };
}

/** Maps what handlers throw, and what a streaming handler throws after its first message. */
export function mapErrors(report: ReportBug): Interceptor {
  return (next) => async (request) => {
    const response = await next(request).catch((error: unknown) => {
      throw toConnectError(error, report);
    });
    return response.stream ? { ...response, message: mapStream(response.message, report) } : response;
  };
}

async function* mapStream<T>(messages: AsyncIterable<T>, report: ReportBug): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    throw toConnectError(error, report);
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
