import { DomainError } from "../../domain/errors.ts";
import type { CatalogueImage } from "../../domain/images.ts";
import type { CachedImage } from "../../domain/node.ts";
import type { OperationDeps } from "../deps.ts";
import { nothingToUndo, type Step, type StepIo } from "../engine/step.ts";
import { clientOf, waitForLink } from "./run-on-node.ts";

/** The phase in which the download itself is shown. */
export const downloadPhase = "OS preparation > downloading OS image";

/**
 * Brings the image to the node: verified, resumed after a cut, one download for all who wait. A verified copy needs no
 * network at all. Begins in the phase in which the publisher is asked.
 */
export const pullImage: Step<
  OperationDeps,
  { readonly node: string; readonly image: CatalogueImage; readonly refresh?: boolean },
  { readonly imageChecksum: string }
> = {
  run: async (deps, { node, image, refresh = false }, io) => {
    const { checksum, sizeBytes } = await followPull(deps, node, image, refresh, io);
    io.notice(
      "info",
      `${image.imageId}: ${image.checksumAlgorithm} ${checksum.slice(0, 16)}…, ${Math.round(sizeBytes / 2 ** 20)} MiB`,
    );
    return { imageChecksum: checksum };
  },
  undo: nothingToUndo("a verified image stays in the cache"),
};

async function followPull(
  deps: OperationDeps,
  node: string,
  image: CatalogueImage,
  refresh: boolean,
  io: StepIo,
): Promise<CachedImage> {
  let downloading = false;
  let cached = false;
  const beginDownload = (finished: string, started: string) => {
    if (!downloading) io.phase(downloadPhase, finished, started);
    downloading = true;
  };
  for (;;) {
    await waitForLink(deps, node, io, io.signal);
    try {
      let lastMs = 0;
      for await (const event of clientOf(deps, node).pullImage({ ...image, refresh }, io.signal)) {
        if (event.type === "progress") {
          const now = performance.now();
          if (now - lastMs > 250 || event.doneBytes === event.totalBytes)
            io.progress(event.doneBytes, event.totalBytes);
          lastMs = now - lastMs > 250 ? now : lastMs;
        } else if (event.type === "phase") {
          if (event.phase === "cached") {
            cached = true;
            beginDownload(`OS image URL is valid: verified copy on ${node}`, "looking into the image cache");
          }
          if (event.phase === "downloading") beginDownload("OS image URL is valid", "start downloading OS image");
          if (event.phase === "verifying") io.notice("info", "checking the image against its publisher's checksum");
        } else {
          beginDownload("OS image URL is valid: the publisher has no newer one", "looking into the image cache");
          io.result(cached ? "using cached OS image" : "completed OS image download");
          return event.image;
        }
      }
      throw new DomainError("unavailable", "NODE_UNREACHABLE", `node ${node} ended the stream of a download`, { node });
    } catch (error) {
      if (!(error instanceof DomainError) || error.reason !== "NODE_UNREACHABLE") throw error;
      io.notice("warning", `${error.message}; the download goes on when it answers again`);
      await deps.cluster.waitFor(() => deps.cluster.node(node)?.link.state !== "connected", 1000, io.signal);
    }
  }
}
