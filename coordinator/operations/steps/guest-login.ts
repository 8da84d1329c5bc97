import { setTimeout as sleep } from "node:timers/promises";
import { DomainError } from "../../domain/errors.ts";
import type { GuestLogin, GuestSession } from "../../ports/guest-session.ts";
import type { OperationDeps } from "../deps.ts";
import type { StepIo } from "../engine/step.ts";
import { clientOf } from "./run-on-node.ts";

/** Where a guest is, and how to log in. */
export interface GuestTarget {
  readonly vmid: number;
  readonly node: string;
  readonly login: GuestLogin;
}

const firstDelayMs = 200;
const maxDelayMs = 2000;
const delayGrowth = 1.4;
const bootIdCommand = "cat /proc/sys/kernel/random/boot_id";
const shortCommandMs = 15_000;
/** A connection to a guest may break this often. */
const maxBreaks = 5;

/** Logs in to a guest once, through the tunnel of its node. */
export async function logIn(
  deps: OperationDeps,
  { vmid, node, login }: GuestTarget,
  signal: AbortSignal,
): Promise<GuestSession> {
  const connection = await clientOf(deps, node).openTunnel(vmid, deps.settings.guestSshPort, signal);
  return deps.guests.login(connection, login, signal);
}

/**
 * Tries to log in, at first every 200 ms and then less often, until `accept` is true of a session or the time is over.
 * Says what changed about the guest on the way. Ends early when the VM does not run any more.
 */
export async function waitForLogin(
  deps: OperationDeps,
  target: GuestTarget,
  io: StepIo,
  accept: (session: GuestSession) => Promise<boolean>,
): Promise<GuestSession> {
  const { readyTimeoutMs } = deps.settings;
  const deadline = deps.clock.elapsedMs() + readyTimeoutMs;
  let delayMs = firstDelayMs;
  let seen = "";
  for (;;) {
    io.signal.throwIfAborted();
    try {
      const session = await logIn(deps, target, io.signal);
      if (await accept(session).catch(() => false)) return session;
      session.close();
    } catch (error) {
      if (!(error instanceof DomainError) || error.kind !== "unavailable") throw error;
      if (error.reason !== seen) io.notice("info", waitingFor(error));
      seen = error.reason;
    }
    requireRunning(deps, target.vmid);
    if (deps.clock.elapsedMs() >= deadline) throw notReady(target.vmid, readyTimeoutMs, seen);
    await sleep(delayMs, undefined, { signal: io.signal });
    delayMs = Math.min(delayMs * delayGrowth, maxDelayMs);
  }
}

/**
 * Does something in a guest, and again when the connection breaks: what is done in guests is safe to do twice. The login
 * is waited for.
 */
export async function inGuest<T>(
  deps: OperationDeps,
  target: GuestTarget,
  io: StepIo,
  work: (session: GuestSession) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const session = await waitForLogin(deps, target, io, async () => true);
    try {
      return await work(session);
    } catch (error) {
      const lost = error instanceof DomainError && error.kind === "unavailable";
      if (!lost || attempt === maxBreaks) throw error;
      io.notice("warning", `${error.message}; trying again`);
    } finally {
      session.close();
    }
  }
}

/** The guest's boot id, which another boot changes. */
export async function readBootId(session: GuestSession, signal: AbortSignal): Promise<string> {
  const { stdout } = await session.exec(bootIdCommand, { timeoutMs: shortCommandMs, signal });
  const bootId = stdout.trim();
  if (!/^[0-9a-f-]{36}$/.test(bootId))
    throw new DomainError("unavailable", "GUEST_NOT_READY", "the guest does not tell its boot id yet");
  return bootId;
}

/** Waits for the guest's SSH banner only, for guests that this coordinator has no key of. */
export async function waitForBanner(deps: OperationDeps, vmid: number, node: string, io: StepIo): Promise<void> {
  const { readyTimeoutMs, guestSshPort } = deps.settings;
  const deadline = deps.clock.elapsedMs() + readyTimeoutMs;
  let delayMs = firstDelayMs;
  for (;;) {
    io.signal.throwIfAborted();
    try {
      const connection = await clientOf(deps, node).openTunnel(vmid, guestSshPort, io.signal);
      await deps.guests.readBanner(connection, io.signal);
      return;
    } catch (error) {
      if (!(error instanceof DomainError) || error.kind !== "unavailable") throw error;
    }
    requireRunning(deps, vmid);
    if (deps.clock.elapsedMs() >= deadline) throw notReady(vmid, readyTimeoutMs, "GUEST_NOT_READY");
    await sleep(delayMs, undefined, { signal: io.signal });
    delayMs = Math.min(delayMs * delayGrowth, maxDelayMs);
  }
}

/** A VM that has stopped by itself will not answer any more. One on a node that does not answer may. */
function requireRunning({ cluster }: OperationDeps, vmid: number): void {
  const guest = cluster.guest(vmid);
  if (guest?.state !== "stopped") return;
  throw new DomainError("conflict", "GUEST_POWERED_OFF", `VM ${vmid} powered itself off`, { vmid: String(vmid) });
}

function waitingFor({ reason }: DomainError): string {
  if (reason === "GUEST_LOGIN_REFUSED") return "SSH answers; waiting for the login";
  return reason === "NODE_UNREACHABLE" ? "waiting for the node" : "waiting for SSH";
}

function notReady(vmid: number, timeoutMs: number, lastReason: string): DomainError {
  const seconds = String(Math.round(timeoutMs / 1000));
  const what = lastReason === "GUEST_LOGIN_REFUSED" ? "refuses the login" : "does not answer by SSH";
  const message = `the guest of VM ${vmid} still ${what} after ${seconds} s`;
  return new DomainError("conflict", "GUEST_NEVER_READY", message, { vmid: String(vmid), seconds });
}
