import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import ssh2, { type Client, type ClientChannel } from "ssh2";
import { DomainError } from "../domain/errors.ts";
import type { ExecOptions, ExecResult, GuestLogin, GuestSession, GuestSessions } from "../ports/guest-session.ts";

/** One try at a login: a guest that is shutting down can hold one open for ever. */
const loginTimeoutMs = 8000;
const bannerTimeoutMs = 6000;
const maxBannerBytes = 8192;
const maxLineLength = 4096;
const keptOutput = 64 * 1024;

/** Guests over SSH, with ssh2. */
export const ssh2GuestSessions: GuestSessions = { login, readBanner, createKeyPair };

function createKeyPair(comment: string) {
  const { private: privateKey, public: publicKey } = ssh2.utils.generateKeyPairSync("ed25519", { comment });
  return { privateKey, publicKey };
}

function login(
  connection: Duplex,
  { user, privateKey, hostKey }: GuestLogin,
  signal: AbortSignal,
): Promise<GuestSession> {
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    let shown = "";
    const finish = () => signal.removeEventListener("abort", onAbort);
    const fail = (error: unknown) => {
      finish();
      client.destroy();
      connection.destroy();
      reject(error);
    };
    const onAbort = () => fail(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    client.on("ready", () => {
      finish();
      resolve(new Ssh2Session(client, shown));
    });
    client.on("error", (error: Error & { level?: string }) => {
      const changed = hostKey !== "" && shown !== "" && shown !== hostKey;
      fail(changed ? hostKeyChanged(hostKey, shown) : notReady(error));
    });
    client.on("close", () => fail(notReady(new Error("the connection was closed"))));
    client.connect({
      sock: connection,
      username: user,
      privateKey,
      readyTimeout: loginTimeoutMs,
      keepaliveInterval: 5000,
      keepaliveCountMax: 3,
      hostVerifier: (key: Buffer) => {
        shown = `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
        return hostKey === "" || shown === hostKey;
      },
    });
  });
}

function readBanner(connection: Duplex, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      connection.destroy();
    };
    const fail = (why: string, cause?: unknown) => {
      finish();
      reject(new DomainError("unavailable", "GUEST_NOT_READY", `the guest's SSH server ${why}`, {}, { cause }));
    };
    const onAbort = () => {
      finish();
      reject(signal.reason);
    };
    const timer = setTimeout(() => fail("did not answer"), bannerTimeoutMs);
    signal.addEventListener("abort", onAbort, { once: true });
    connection.on("error", (error) => fail("cannot be reached", error));
    connection.on("close", () => fail("closed the connection"));
    connection.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      const banner = /^SSH-[^\r\n]*/m.exec(text)?.[0];
      if (banner !== undefined && text.includes("\n")) {
        connection.removeAllListeners("close");
        finish();
        resolve(banner);
      } else if (text.length > maxBannerBytes) fail("does not speak SSH");
    });
  });
}

class Ssh2Session implements GuestSession {
  readonly hostKey: string;
  readonly #client: Client;

  constructor(client: Client, hostKey: string) {
    this.#client = client;
    this.hostKey = hostKey;
    client.on("error", () => {}); // each command tells of it
  }

  exec(command: string, options: ExecOptions): Promise<ExecResult> {
    return new Promise((resolve, reject) => {
      const finish = () => {
        clearTimeout(timer);
        options.signal.removeEventListener("abort", onAbort);
        this.#client.off("close", onClose);
      };
      const fail = (error: unknown) => {
        finish();
        this.close();
        reject(error);
      };
      const onAbort = () => fail(options.signal.reason);
      const onClose = () =>
        fail(
          new DomainError(
            "unavailable",
            "GUEST_CONNECTION_LOST",
            "the connection to the guest was lost during a command",
          ),
        );
      const timer = setTimeout(() => {
        const seconds = String(options.timeoutMs / 1000);
        fail(
          new DomainError("conflict", "GUEST_COMMAND_TIMEOUT", `a command in the guest took longer than ${seconds} s`, {
            seconds,
          }),
        );
      }, options.timeoutMs);
      options.signal.addEventListener("abort", onAbort, { once: true });
      this.#client.once("close", onClose);
      this.#client.exec(command, (error, channel) => {
        if (error)
          return fail(
            new DomainError(
              "unavailable",
              "GUEST_CONNECTION_LOST",
              "the guest refused a command",
              {},
              { cause: error },
            ),
          );
        const collect = collectOutput(channel, options.onLine);
        channel.on("close", (exitCode: number | null) => {
          finish();
          resolve({ exitCode: exitCode ?? undefined, stdout: collect() });
        });
        channel.end(options.stdin ?? "");
      });
    });
  }

  close(): void {
    this.#client.end();
  }
}

/** Splits both outputs into lines; the result gives the end of standard output. */
function collectOutput(channel: ClientChannel, onLine: ((line: string) => void) | undefined): () => string {
  let stdout = "";
  const splitters = [channel, channel.stderr].map((stream) => {
    const decoder = new StringDecoder("utf8");
    let rest = "";
    stream.on("data", (chunk: Buffer) => {
      const text = decoder.write(chunk);
      if (stream === channel) stdout = (stdout + text).slice(-keptOutput);
      const lines = (rest + text).split(/\r?\n|\r/);
      rest = (lines.pop() ?? "").slice(0, maxLineLength);
      for (const line of lines) onLine?.(line.slice(0, maxLineLength));
    });
    return () => {
      if (rest !== "") onLine?.(rest);
      rest = "";
    };
  });
  return () => {
    for (const flush of splitters) flush();
    return stdout;
  };
}

function hostKeyChanged(before: string, now: string): DomainError {
  return new DomainError(
    "conflict",
    "GUEST_HOST_KEY_CHANGED",
    `the guest shows the host key ${now}, but it had ${before}: another machine may be answering at its address`,
    { before, now },
  );
}

function notReady(error: Error & { level?: string }): DomainError {
  return error.level === "client-authentication"
    ? new DomainError("unavailable", "GUEST_LOGIN_REFUSED", "the guest refuses the login", {}, { cause: error })
    : new DomainError("unavailable", "GUEST_NOT_READY", "the guest's SSH server does not answer", {}, { cause: error });
}
