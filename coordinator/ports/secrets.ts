/** A value that only this coordinator can read. It stands in the journal in place of the secret. */
export interface Sealed {
  readonly sealed: string;
}

/** Keeps secrets out of the journal in clear. */
export interface Secrets {
  seal(text: string): Sealed;
  open(sealed: Sealed): string;
  /** The same for the same text, and tells nothing about it without the key. */
  fingerprint(text: string): string;
}
