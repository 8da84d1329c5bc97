import type { OperationDeps } from "../deps.ts";
import { nothingToUndo, type Step } from "../engine/step.ts";
import { clientOf, waitForLink } from "./run-on-node.ts";

/** Removes an image from a node's cache. */
export const deleteImage: Step<
  OperationDeps,
  { readonly node: string; readonly image: { readonly imageId: string } },
  object
> = {
  run: async (deps, { node, image }, io) => {
    await waitForLink(deps, node, io, io.signal);
    const deleted = await clientOf(deps, node).deleteImage(image.imageId);
    io.result(deleted ? `${image.imageId} deleted on ${node}` : `${image.imageId} was not on ${node}`);
    return {};
  },
  undo: nothingToUndo("the image can be downloaded again"),
};
