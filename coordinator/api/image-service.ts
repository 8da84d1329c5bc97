import type { ServiceImpl } from "@connectrpc/connect";
import type { ImageService } from "../../gen/qmesh/v1/image_service_pb.js";
import type { ImageSource } from "../../gen/qmesh/v1/vm_pb.js";
import { deleteImage, pullImage } from "../operations/images.ts";
import { admitImage } from "../operations/intake/images.ts";
import { startOperation } from "../operations/intake/start.ts";
import { requireCluster } from "../operations/intake/vm.ts";
import { finishOperation, streamOperation } from "./operation-stream.ts";
import { pageOf } from "./paging.ts";
import type { ServiceParts } from "./service-parts.ts";
import { toImage } from "./to-proto.ts";

const defaultPageSize = 100;

/** qmesh.v1.ImageService. Requests have been validated. */
export function imageService(parts: ServiceParts): ServiceImpl<typeof ImageService> {
  const { deps, operations } = parts;
  return {
    listImages: async ({ cluster, os, ...paging }) => {
      requireCluster(deps, cluster);
      const matching = deps.images.images
        .filter((image) => os === "" || image.os === os)
        .toSorted((a, b) => (a.imageId < b.imageId ? -1 : 1));
      const { page, nextPageToken } = pageOf(matching, ({ imageId }) => imageId, paging, defaultPageSize);
      const nodes = deps.cluster.nodes();
      return { images: page.map((image) => toImage(image, nodes, deps.clock.now())), nextPageToken };
    },

    async *pullImage({ cluster, image, node, refresh, requestId }, { signal }) {
      requireCluster(deps, cluster);
      const named = nameOf(image);
      const { operationId } = await startOperation(
        deps,
        operations,
        pullImage,
        { requestId },
        { ...named, node, refresh },
        () => admitImage(deps, named, node, { refresh }),
      );
      yield* streamOperation(parts, operationId, 0, signal);
    },

    deleteImage: async ({ cluster, image, node, requestId, noWait }, { signal }) => {
      requireCluster(deps, cluster);
      const named = nameOf(image);
      const row = await startOperation(deps, operations, deleteImage, { requestId }, { ...named, node }, () =>
        admitImage(deps, named, node),
      );
      return finishOperation(parts, row, noWait, signal);
    },
  };
}

function nameOf(image: ImageSource | undefined): { readonly os: string; readonly version: string } {
  return { os: image?.os ?? "", version: image?.version ?? "" };
}
