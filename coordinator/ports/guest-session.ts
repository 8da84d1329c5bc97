import type { Duplex } from "node:stream";

/** Who to log in as, and how to know the guest again. */
export interface GuestLogin {
  readonly user: string;
  /** An OpenSSH private key. */
  readonly privateKey: string;
  /** The guest's host key as seen before, `SHA256:…`. Empty: this is the first contact, and any is accepted. */
  readonly hostKey: string;
}

/** An open login in a guest. */
export interface GuestSession {
  /** The host key that the guest showed, `SHA256:…`. */
  readonly hostKey: string;
  /** Runs a command with `stdin` on its standard input and calls `onLine` for each line of its output. */
  exec(command: string, options: ExecOptions): Promise<ExecResult>;
  close(): void;
}

export interface ExecOptions {
  readonly stdin?: string;
  readonly onLine?: (line: string) => void;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface ExecResult {
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  /** Standard output, at most the last 64 KiB. */
  readonly stdout: string;
}

/** Logs in to guests over a connection that somebody else opened. */
export interface GuestSessions {
  /**
   * Logs in. Throws DomainErrors: `GUEST_NOT_READY` while nobody answers or the login is refused, and
   * `GUEST_HOST_KEY_CHANGED` when the guest shows another host key than before.
   */
  login(connection: Duplex, login: GuestLogin, signal: AbortSignal): Promise<GuestSession>;
  /** Waits for the SSH banner only, which needs no login. */
  readBanner(connection: Duplex, signal: AbortSignal): Promise<string>;
  /** A key pair for one install, in OpenSSH's formats. */
  createKeyPair(comment: string): { readonly privateKey: string; readonly publicKey: string };
}
