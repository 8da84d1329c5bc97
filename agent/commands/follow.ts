import { type FileHandle, open } from "node:fs/promises";
import { StringDecoder } from "node:string_decoder";
import { setTimeout as sleep } from "node:timers/promises";

/** The rest of a longer line is cut. */
const maxLineLength = 4096;
const pollMs = 60;

/**
 * Yields the lines of a file that is still being written, from its beginning, until `ended` is true and all of it was
 * read. A carriage return ends a line too: progress is written that way. Memory stays bounded whatever is in the file.
 */
export async function* followLines(path: string, ended: () => boolean, signal: AbortSignal): AsyncGenerator<string> {
  const file = await openWhenThere(path, ended, signal);
  if (!file) return;
  try {
    const decoder = new StringDecoder("utf8");
    const buffer = Buffer.alloc(65_536);
    let rest = "";
    for (;;) {
      const wasEnded = ended();
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) {
        if (wasEnded || signal.aborted) break;
        await sleep(pollMs);
        continue;
      }
      const parts = (rest + decoder.write(buffer.subarray(0, bytesRead))).split(/\r?\n|\r/);
      rest = (parts.pop() ?? "").slice(0, maxLineLength);
      for (const line of parts) yield line.slice(0, maxLineLength);
    }
    if (rest !== "") yield rest;
  } finally {
    await file.close();
  }
}

/** The file is made by the program's runner, a moment after its start; a program that never started has none. */
async function openWhenThere(path: string, ended: () => boolean, signal: AbortSignal): Promise<FileHandle | undefined> {
  for (;;) {
    const last = ended() || signal.aborted;
    const file = await open(path, "r").catch(() => undefined);
    if (file || last) return file;
    await sleep(pollMs);
  }
}
