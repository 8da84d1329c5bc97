import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rm, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { AgentError } from "../errors.ts";
import type { Progress } from "../qm/progress.ts";
import type { ChecksumAlgorithm } from "./cached-image.ts";
import { refuseStatus, request } from "./http.ts";

/** A transfer that brings nothing for this long counts as cut. */
const stallMs = 30_000;
/** A cut transfer goes on where it was, this many times. */
const attempts = 6;
const retryDelayMs = 500;

/** What to download, and where to. */
export interface Download {
  readonly url: string;
  /** The temporary file. What is there already is continued. */
  readonly path: string;
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

/** Downloads into a temporary file, continuing with Range after a cut. The file is on disk when this returns. */
export async function downloadFile(download: Download): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await transfer(download);
      return;
    } catch (error) {
      download.signal.throwIfAborted();
      if (isDiskFull(error)) {
        await rm(download.path, { force: true }); // the room is needed more than the start of the file
        const { path } = download;
        throw new AgentError(
          "no-capacity",
          "IMAGE_DISK_FULL",
          `no room for the image in ${path}`,
          { path },
          { cause: error },
        );
      }
      const cut = error instanceof Cut || (error instanceof AgentError && error.kind === "unavailable");
      if (!cut || attempt === attempts) throw asFailure(error, download.url);
      await sleep(retryDelayMs * attempt, undefined, { signal: download.signal });
    }
  }
}

/** The checksum of a file, in hexadecimal. */
export async function hashFile(path: string, algorithm: ChecksumAlgorithm, signal: AbortSignal): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal })) hash.update(chunk);
  return hash.digest("hex");
}

/** The connection ended before all bytes were there. */
class Cut extends Error {}

async function transfer({ url, path, onProgress, signal }: Download): Promise<void> {
  const have = (await stat(path).catch(() => undefined))?.size ?? 0;
  const response = await request(url, signal, have > 0 ? { range: `bytes=${have}-` } : {});
  if (response.status === 416) return response.body?.cancel(); // all of it is there; the checksum will tell
  if (!response.ok || !response.body) throw refuseStatus(response, url);
  const start = response.status === 206 ? rangeStart(response) : 0;
  if (start !== 0 && start !== have) throw new Cut(`the server continued at ${start} instead of ${have}`);
  const length = Number(response.headers.get("content-length") ?? 0);
  const totalBytes = length > 0 ? start + length : 0;
  const file = await open(path, start > 0 ? "r+" : "w", 0o600);
  try {
    const doneBytes = await writeBody(response.body, file, start, (done) =>
      onProgress({ doneBytes: done, totalBytes }),
    );
    if (totalBytes > 0 && doneBytes < totalBytes) throw new Cut(`${doneBytes} of ${totalBytes} bytes came`);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeBody(
  body: ReadableStream<Uint8Array>,
  file: FileHandle,
  start: number,
  onDone: (doneBytes: number) => void,
): Promise<number> {
  const reader = body.getReader();
  let position = start;
  try {
    for (;;) {
      const { done, value } = await beforeStall(reader.read());
      if (done) return position;
      await file.write(value, 0, value.length, position);
      position += value.length;
      onDone(position);
    }
  } finally {
    await reader.cancel().catch(() => {}); // it has failed or ended already
  }
}

async function beforeStall<T>(read: Promise<T>): Promise<T> {
  const stalled = new AbortController();
  const timer = sleep(stallMs, undefined, { signal: stalled.signal, ref: false }).then(() => {
    throw new Cut(`nothing came for ${stallMs / 1000} s`);
  });
  timer.catch(() => {}); // aborted below
  try {
    return await Promise.race([read.catch(asCut), timer]);
  } finally {
    stalled.abort();
  }
}

function asCut(error: unknown): never {
  throw new Cut("the connection was cut", { cause: error });
}

function rangeStart({ headers }: Response): number {
  return Number(/^bytes (\d+)-/.exec(headers.get("content-range") ?? "")?.[1] ?? 0);
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

function asFailure(error: unknown, url: string): unknown {
  if (!(error instanceof Cut)) return error;
  const message = `the download of ${url} was cut ${attempts} times (${error.message})`;
  return new AgentError("unavailable", "IMAGE_DOWNLOAD_CUT", message, { url }, { cause: error });
}
