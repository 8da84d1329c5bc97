import type { CatalogueImage } from "../domain/images.ts";
import type { OperationDeps } from "./deps.ts";
import { pipeline } from "./engine/pipeline.ts";
import { deleteImage as deleteStep } from "./steps/delete-image.ts";
import { pullImage as pullStep } from "./steps/pull-image.ts";

interface ImageInput {
  readonly node: string;
  readonly image: CatalogueImage;
}

/** Brings an image to a node. */
export const pullImage = pipeline<OperationDeps, ImageInput & { readonly refresh: boolean }>(
  "pull-image",
  "image download",
).step("pull-image", "OS preparation > validating OS image URL", pullStep);

/** Removes an image from a node. */
export const deleteImage = pipeline<OperationDeps, ImageInput>("delete-image", "image deletion").step(
  "delete-image",
  "deleting OS image",
  deleteStep,
);
