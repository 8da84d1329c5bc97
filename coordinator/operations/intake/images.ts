import { DomainError } from "../../domain/errors.ts";
import type { OperationDeps } from "../deps.ts";
import { requireImage } from "../steps/resolve-image.ts";
import { unreachable } from "../steps/run-on-node.ts";
import type { Admitted } from "./start.ts";

/** Checks image and node of an operation on an image. */
export function admitImage(
  deps: OperationDeps,
  { os, version }: { readonly os: string; readonly version: string },
  node: string,
  input: Readonly<Record<string, unknown>> = {},
): Admitted {
  const image = requireImage(deps.images, os, version);
  const known = deps.cluster.node(node);
  if (!known) throw new DomainError("not-found", "NODE_NOT_FOUND", `there is no node ${node}`, { node });
  if (known.link.state !== "connected") throw unreachable(deps, node);
  return { guestKind: "", vmid: 0, node, input: { image, node, ...input } };
}
