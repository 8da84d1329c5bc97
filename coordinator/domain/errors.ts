/** What a caller can do about an error. Code branches on this and on nothing else. */
export type ErrorKind =
  | "invalid"
  | "not-found"
  | "exists"
  | "conflict"
  | "busy"
  | "no-capacity"
  | "unavailable"
  | "cancelled"
  | "forbidden"
  | "internal";

/** What is wrong with one field of a request. */
export interface FieldViolation {
  /** The path as the caller wrote it, for example `memoryMib`. */
  readonly field: string;
  /** What was sent, cut to 100 characters; empty for a secret. */
  readonly value: string;
  /** What would be accepted, for example `16 to 4178944`. */
  readonly allowed: string;
  /** One sentence. */
  readonly description: string;
}

/** An error this product raises on purpose. Anything else caught at an edge is a bug. */
export class DomainError extends Error {
  override readonly name = "DomainError";
  readonly kind: ErrorKind;
  /** UPPER_SNAKE, stable, listed in docs/errors.md. */
  readonly reason: string;
  /** Every value that the message mentions. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Only for kind `invalid`: every field that is wrong. */
  readonly violations: readonly FieldViolation[];

  /** `message` is one sentence a user may read. `options.cause` is for the log only, never for the wire. */
  constructor(
    kind: ErrorKind,
    reason: string,
    message: string,
    metadata: Readonly<Record<string, string>> = {},
    options: ErrorOptions & { readonly violations?: readonly FieldViolation[] } = {},
  ) {
    super(message, options);
    this.kind = kind;
    this.reason = reason;
    this.metadata = metadata;
    this.violations = options.violations ?? [];
  }
}
