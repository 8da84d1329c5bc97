import { DomainError } from "../../domain/errors.ts";
import { type CatalogueImage, type ImageCatalogue, isPastEndOfLife } from "../../domain/images.ts";
import type { OperationDeps } from "../deps.ts";
import { nothingToUndo, type Step } from "../engine/step.ts";

/** Finds the image in the catalogue. One past its end of life still installs, with a warning. */
export const resolveImage: Step<
  OperationDeps,
  { readonly os: string; readonly version: string },
  { readonly image: CatalogueImage }
> = {
  run: async ({ images, clock }, { os, version }, io) => {
    const image = requireImage(images, os, version);
    if (isPastEndOfLife(image, clock.now()))
      io.notice(
        "warning",
        `${os} ${version} is past its end of life (${image.endOfLife}): it gets no security updates`,
      );
    io.result(`OS image URL obtained: ${image.url}`);
    return { image };
  },
  undo: nothingToUndo("it only looks up"),
};

/** The image, or an error that names what there is. */
export function requireImage(images: ImageCatalogue, os: string, version: string): CatalogueImage {
  const image = images.find(os, version);
  if (image) return image;
  const known = images
    .systems()
    .map((name) => `${name} ${images.versionsOf(name).join(", ")}`)
    .join("; ");
  throw new DomainError("not-found", "IMAGE_UNKNOWN", `there is no image of ${os} ${version} (there are: ${known})`, {
    os,
    version,
  });
}
