import { EventEmitter, on } from "node:events";
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AgentError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { Progress } from "../qm/progress.ts";
import { makeBaseImage } from "./base-image.ts";
import type { CachedImage, ChecksumAlgorithm } from "./cached-image.ts";
import { findChecksum } from "./checksum-file.ts";
import { downloadFile, hashFile } from "./download.ts";
import { refuseStatus, request } from "./http.ts";
import { readQcow2Size } from "./qcow2-header.ts";

/** Where an image comes from. */
export interface ImageSource {
  readonly imageId: string;
  readonly url: string;
  readonly checksumUrl: string;
  readonly checksumAlgorithm: ChecksumAlgorithm;
}

/** What a pull is doing. */
export type PullEvent =
  | { readonly phase: "cached" | "checking" | "downloading" | "verifying" }
  | { readonly progress: Progress }
  | { readonly image: CachedImage };

interface Flight {
  readonly events: EventEmitter;
  /** The phase it is in, for those who join late. */
  last: PullEvent;
  readonly result: Promise<CachedImage>;
}

const hexLengths: Readonly<Record<ChecksumAlgorithm, number>> = { sha256: 64, sha512: 128 };
const imageIdPattern = /^[a-z][a-z0-9.-]{0,99}$/;
const maxChecksumFileBytes = 1 << 20;

/**
 * The node's images: one folder an image, files named by checksum, so that a running install never sees a file change.
 * A file gets its name only when it is complete, checked and on disk. Pulls of one image share one download.
 */
export class ImageCache {
  readonly #folder: string;
  /** PATH for qemu-img. */
  readonly #path: string;
  readonly #log: Logger;
  readonly #images = new Map<string, CachedImage>();
  readonly #flights = new Map<string, Flight>();
  readonly #bases = new Map<string, Promise<void>>();
  /** How many commands read a file right now. */
  readonly #users = new Map<string, number>();
  /** Called when the list of images changed. */
  onChange: () => void = () => {};

  constructor(folder: string, path: string, log: Logger) {
    this.#folder = folder;
    this.#path = path;
    this.#log = log;
  }

  /** Learns which images are there. An entry whose file is missing or has another size does not count. */
  async load(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    for (const imageId of await readdir(this.#folder)) {
      try {
        const image = parseImage(await readFile(this.#metadataPath(imageId), "utf8"));
        const { size } = await stat(this.#filePath(image));
        if (size === image.sizeBytes) this.#images.set(imageId, image);
      } catch {
        this.#log.debug({ imageId }, "no complete image here"); // nothing downloaded yet, or a download that was cut
      }
    }
  }

  /** The verified images, by id. */
  list(): readonly CachedImage[] {
    return [...this.#images.values()].toSorted((a, b) => a.imageId.localeCompare(b.imageId));
  }

  /** Brings an image to the cache, or finds it there, and yields what happens. The last event is the image. */
  async *pull(source: ImageSource, refresh: boolean, signal: AbortSignal): AsyncGenerator<PullEvent> {
    checkImageId(source.imageId);
    const cached = this.#images.get(source.imageId);
    if (cached && !refresh && cached.url === source.url) {
      yield { phase: "cached" };
      yield { image: cached };
      return;
    }
    const flight = this.#flights.get(source.imageId) ?? this.#fly(source);
    yield flight.last;
    const ended = new AbortController();
    const finished = flight.result.finally(() => ended.abort()).catch(() => {}); // thrown below
    try {
      const events = on(flight.events, "event", { signal: AbortSignal.any([signal, ended.signal]) });
      for await (const [event] of events) yield event as PullEvent;
    } catch (error) {
      if (!ended.signal.aborted) throw error;
    }
    await finished;
    yield { image: await flight.result };
  }

  /** Removes an image with its copies. False when there was none. */
  async remove(imageId: string): Promise<boolean> {
    checkImageId(imageId);
    if (this.#flights.has(imageId))
      throw new AgentError("conflict", "IMAGE_IN_USE", `image ${imageId} is being downloaded`, { imageId });
    if ([...this.#users.keys()].some((path) => path.startsWith(`${this.#imageFolder(imageId)}/`)))
      throw new AgentError("conflict", "IMAGE_IN_USE", `image ${imageId} is being imported`, { imageId });
    const had = this.#images.delete(imageId);
    await rm(this.#imageFolder(imageId), { recursive: true, force: true });
    if (had) this.onChange();
    return had;
  }

  /** The file to import for a disk of at least `sizeBytes`, grown once if need be. Call `release` after the import. */
  async take(imageId: string, checksum: string, sizeBytes: number): Promise<{ path: string; release: () => void }> {
    const image = this.#images.get(imageId);
    if (!image)
      throw new AgentError("conflict", "IMAGE_NOT_CACHED", `image ${imageId} is not on this node`, { imageId });
    if (image.checksum !== checksum)
      throw new AgentError("conflict", "IMAGE_CHANGED", `image ${imageId} was replaced by another one`, { imageId });
    const original = this.#filePath(image);
    const virtualSize = await readQcow2Size(original);
    if (virtualSize >= sizeBytes) return this.#use(original);
    const base = original.replace(/\.qcow2$/, `-${Math.ceil(sizeBytes / 2 ** 20)}M.qcow2`);
    const held = this.#use(original);
    try {
      await this.#makeBaseOnce(original, base, sizeBytes);
    } finally {
      held.release();
    }
    return this.#use(base);
  }

  #makeBaseOnce(original: string, base: string, sizeBytes: number): Promise<void> {
    const making =
      this.#bases.get(base) ??
      makeBaseImage(original, base, sizeBytes, this.#path).finally(() => this.#bases.delete(base));
    this.#bases.set(base, making);
    return making;
  }

  #use(path: string): { path: string; release: () => void } {
    this.#users.set(path, (this.#users.get(path) ?? 0) + 1);
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      const left = (this.#users.get(path) ?? 1) - 1;
      if (left > 0) this.#users.set(path, left);
      else this.#users.delete(path);
    };
    return { path, release };
  }

  /** Starts the one download of an image. It goes on when those who asked for it leave. */
  #fly(source: ImageSource): Flight {
    const events = new EventEmitter().setMaxListeners(0);
    const flight: Flight = {
      events,
      last: { phase: "checking" },
      result: Promise.resolve()
        .then(() => this.#download(source, emit))
        .finally(() => this.#flights.delete(source.imageId)),
    };
    function emit(event: PullEvent): void {
      flight.last = event;
      events.emit("event", event);
    }
    flight.result.catch((error: unknown) => this.#log.warn({ err: error, imageId: source.imageId }, "pull failed"));
    this.#flights.set(source.imageId, flight);
    return flight;
  }

  async #download(source: ImageSource, emit: (event: PullEvent) => void): Promise<CachedImage> {
    const { imageId, url, checksumAlgorithm } = source;
    const { signal } = new AbortController();
    await mkdir(this.#imageFolder(imageId), { recursive: true });
    const checksum = await readPublishedChecksum(source, signal);
    const before = this.#images.get(imageId);
    if (before?.checksum === checksum) {
      if (before.url !== url) await this.#remember({ ...before, url }); // the same file by another mirror
      return { ...before, url };
    }
    const part = join(this.#imageFolder(imageId), `${checksum.slice(0, 32)}.part`);
    emit({ phase: "downloading" });
    await downloadFile({ url, path: part, signal, onProgress: throttle((progress) => emit({ progress })) });
    emit({ phase: "verifying" });
    const actual = await hashFile(part, checksumAlgorithm, signal);
    if (actual !== checksum) {
      await rm(part, { force: true });
      const message = `${url} does not have the checksum that its publisher names`;
      throw new AgentError("conflict", "IMAGE_CHECKSUM_MISMATCH", message, { url, expected: checksum, actual });
    }
    await readQcow2Size(part).catch(async (error: unknown) => {
      await rm(part, { force: true });
      throw error;
    });
    const { size } = await stat(part);
    const image = { imageId, url, sizeBytes: size, checksumAlgorithm, checksum, verifyTime: new Date() };
    await this.#keep(image, part);
    return image;
  }

  /** Gives a checked file its name, and forgets the files of the image before. */
  async #keep(image: CachedImage, part: string): Promise<void> {
    await rename(part, this.#filePath(image));
    await this.#remember(image);
    const keep = image.checksum.slice(0, 32);
    for (const name of await readdir(this.#imageFolder(image.imageId))) {
      const path = join(this.#imageFolder(image.imageId), name);
      if (name !== "image.json" && !name.startsWith(keep) && !this.#users.has(path)) await rm(path, { force: true });
    }
  }

  async #remember(image: CachedImage): Promise<void> {
    const temporary = `${this.#metadataPath(image.imageId)}.tmp`;
    await writeFile(temporary, JSON.stringify(image), { flush: true });
    await rename(temporary, this.#metadataPath(image.imageId));
    const folder = await open(this.#imageFolder(image.imageId), "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
    this.#images.set(image.imageId, image);
    this.onChange();
  }

  #imageFolder(imageId: string): string {
    return join(this.#folder, imageId);
  }

  #metadataPath(imageId: string): string {
    return join(this.#imageFolder(imageId), "image.json");
  }

  #filePath({ imageId, checksum }: CachedImage): string {
    return join(this.#imageFolder(imageId), `${checksum.slice(0, 32)}.qcow2`);
  }
}

async function readPublishedChecksum(source: ImageSource, signal: AbortSignal): Promise<string> {
  const { url, checksumUrl, checksumAlgorithm } = source;
  const response = await request(checksumUrl, signal);
  if (!response.ok) throw refuseStatus(response, checksumUrl);
  const text = (await response.text()).slice(0, maxChecksumFileBytes);
  const fileName = new URL(url).pathname.split("/").at(-1) ?? "";
  const checksum = findChecksum(text, fileName, hexLengths[checksumAlgorithm]);
  if (checksum !== undefined) return checksum;
  const message = `${checksumUrl} names no ${checksumAlgorithm} of ${fileName}`;
  throw new AgentError("conflict", "IMAGE_CHECKSUM_MISSING", message, { url: checksumUrl, file: fileName });
}

function checkImageId(imageId: string): void {
  if (imageIdPattern.test(imageId)) return;
  const shown = imageId.slice(0, 100);
  throw new AgentError("invalid", "IMAGE_ID_INVALID", `"${shown}" is not an image id`, { imageId: shown });
}

function parseImage(text: string): CachedImage {
  const image = JSON.parse(text) as Omit<CachedImage, "verifyTime"> & { verifyTime: string };
  return { ...image, verifyTime: new Date(image.verifyTime) };
}

/** Ten reports a second are enough for a bar. */
function throttle(report: (progress: Progress) => void): (progress: Progress) => void {
  let lastMs = 0;
  return (progress) => {
    const now = performance.now();
    if (now - lastMs < 100 && progress.doneBytes !== progress.totalBytes) return;
    lastMs = now;
    report(progress);
  };
}
