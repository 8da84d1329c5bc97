/** What a caller can do about an error, as in docs/errors.md. */
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

/** An error the agent raises on purpose. Anything else caught at an edge is a bug. */
export class AgentError extends Error {
  override readonly name = "AgentError";
  readonly kind: ErrorKind;
  /** UPPER_SNAKE, stable, listed in docs/errors.md. */
  readonly reason: string;
  /** Every value that the message mentions. */
  readonly metadata: Readonly<Record<string, string>>;

  /** `message` is one sentence for a person. `options.cause` is for the log only. */
  constructor(
    kind: ErrorKind,
    reason: string,
    message: string,
    metadata: Readonly<Record<string, string>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.kind = kind;
    this.reason = reason;
    this.metadata = metadata;
  }
}
