import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type PullImageRequest,
  type PullImageResponseSchema,
  PullPhase,
} from "../../gen/qmesh/agent/v1/agent_service_pb.js";
import { AgentError } from "../errors.ts";
import type { ChecksumAlgorithm } from "../images/cached-image.ts";
import type { ImageCache, PullEvent } from "../images/image-cache.ts";
import { toImage } from "./to-proto.ts";

const phases: Record<Extract<PullEvent, { phase: string }>["phase"], PullPhase> = {
  cached: PullPhase.CACHED,
  checking: PullPhase.CHECKING,
  downloading: PullPhase.DOWNLOADING,
  verifying: PullPhase.VERIFYING,
};

/** Brings an image to the cache and streams what happens. */
export async function* pullImage(
  request: PullImageRequest,
  cache: ImageCache,
  signal: AbortSignal,
): AsyncGenerator<MessageInitShape<typeof PullImageResponseSchema>> {
  const source = {
    imageId: request.imageId,
    url: checkUrl(request.url, "url"),
    checksumUrl: checkUrl(request.checksumUrl, "checksum_url"),
    checksumAlgorithm: checkAlgorithm(request.checksumAlgorithm),
  };
  for await (const event of cache.pull(source, request.refresh, signal)) {
    if ("phase" in event) yield { event: { case: "phase", value: phases[event.phase] } };
    else if ("image" in event) yield { event: { case: "image", value: toImage(event.image) } };
    else {
      const { doneBytes, totalBytes } = event.progress;
      yield { event: { case: "progress", value: { doneBytes: BigInt(doneBytes), totalBytes: BigInt(totalBytes) } } };
    }
  }
}

function checkUrl(text: string, field: string): string {
  const protocol = URL.canParse(text) ? new URL(text).protocol : "";
  if (protocol === "http:" || protocol === "https:") return text;
  throw new AgentError("invalid", "IMAGE_URL_INVALID", `${field}: "${text.slice(0, 100)}" is no http or https URL`);
}

function checkAlgorithm(name: string): ChecksumAlgorithm {
  if (name === "sha256" || name === "sha512") return name;
  throw new AgentError("invalid", "IMAGE_URL_INVALID", `checksum_algorithm: "${name}" is not sha256 or sha512`);
}
