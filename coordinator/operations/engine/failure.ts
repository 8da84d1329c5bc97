import { DomainError } from "../../domain/errors.ts";
import type { Failure } from "./step.ts";

/** Any error as plain data for the journal. What is not a DomainError is a bug: its words stay in the log. */
export function toFailure(error: unknown, step: string): Failure {
  if (!(error instanceof DomainError))
    return {
      kind: "internal",
      reason: "INTERNAL",
      message: "internal error; the coordinator's log has the cause",
      metadata: {},
      step,
    };
  const { kind, reason, message, metadata } = error;
  return { kind, reason, message, metadata, step };
}

/** The failure as an error again, for those who wait for an operation's end. */
export function fromFailure({ kind, reason, message, metadata }: Failure, operationId: string): DomainError {
  return new DomainError(kind, reason, message, { ...metadata, operationId });
}
