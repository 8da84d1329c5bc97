import { AgentError } from "../errors.ts";

const connectTimeoutMs = 20_000;

/** Asks a server, and puts every way in which that can fail into words that name the URL. */
export async function request(
  url: string,
  signal: AbortSignal,
  headers: Record<string, string> = {},
): Promise<Response> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), connectTimeoutMs);
  try {
    return await fetch(url, { headers, signal: AbortSignal.any([signal, timeout.signal]) });
  } catch (error) {
    signal.throwIfAborted();
    const why = timeout.signal.aborted ? `did not answer within ${connectTimeoutMs / 1000} s` : "cannot be reached";
    throw new AgentError("unavailable", "IMAGE_SERVER_UNREACHABLE", `${url} ${why}`, { url }, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** Turns a status other than success into an error. */
export function refuseStatus({ status }: Response, url: string): AgentError {
  const metadata = { url, status: String(status) };
  return status === 404 || status === 410
    ? new AgentError("not-found", "IMAGE_NOT_FOUND", `${url} does not exist (HTTP ${status})`, metadata)
    : new AgentError("unavailable", "IMAGE_SERVER_REFUSED", `${url} answered HTTP ${status}`, metadata);
}
