import { DomainError } from "../../domain/errors.ts";
import { isPastEndOfLife } from "../../domain/images.ts";
import { defaultVmName, type InstallInput } from "../../domain/install.ts";
import { type Clamp, clampSizes, type Sizes } from "../../domain/limits.ts";
import { whyNot } from "../../domain/placement.ts";
import type { OperationDeps } from "../deps.ts";
import { chooseNode, freeCandidates, noneFree, whyVmidNotFree } from "../steps/allocation.ts";
import { requireImage } from "../steps/resolve-image.ts";
import { unreachable } from "../steps/run-on-node.ts";
import { chooseCpuType } from "../steps/set-defaults.ts";
import type { Admitted } from "./start.ts";

/** An install as a caller asks for it. Numbers of 0 and empty texts were left open. */
export interface InstallRequest {
  readonly vmid: number;
  readonly name: string;
  readonly node: string;
  readonly os: string;
  readonly version: string;
  readonly sizes: Sizes;
  readonly user: string;
  readonly password: string;
  readonly sshPublicKeys: readonly string[];
  readonly storage: string;
  readonly bridge: string;
}

/** What an install would do. */
export interface InstallPlan {
  readonly vmid: number;
  readonly address: string;
  readonly gateway: string;
  readonly node: string;
  readonly nodeReason: string;
  readonly cpuType: string;
  readonly cpuReason: string;
  readonly storage: string;
  readonly os: string;
  readonly version: string;
  readonly imageUrl: string;
  readonly imageCached: boolean;
  readonly name: string;
  readonly user: string;
  readonly sizes: Sizes;
  readonly clamps: readonly Clamp[];
  readonly warnings: readonly string[];
}

/** Makes the password's hash; it takes some tens of milliseconds. */
export type HashPassword = (password: string) => string;

/** The request for the journal, to compare another one with: the password only as a fingerprint. */
export function comparableInstall(deps: OperationDeps, { password, ...rest }: InstallRequest): Record<string, unknown> {
  return { ...rest, password: password === "" ? "" : deps.secrets.fingerprint(password) };
}

/** Checks that an install can begin, and settles what depends on the configuration. Changes nothing. */
export async function admitInstall(
  deps: OperationDeps,
  request: InstallRequest,
  hashPassword: HashPassword,
): Promise<Admitted> {
  const { node } = await checkInstall(deps, request);
  const { sizes, clamps } = clampSizes(request.sizes, deps.settings.limits);
  const input: Omit<InstallInput, "cluster"> = {
    requestedVmid: request.vmid,
    requestedName: request.name,
    requestedNode: request.node,
    os: request.os,
    version: request.version,
    sizes,
    clamps,
    user: userOf(deps, request),
    sshPublicKeys: request.sshPublicKeys,
    storage: storageOf(deps, request),
    bridge: bridgeOf(deps, request),
    ...(request.password === "" ? {} : { passwordHash: deps.secrets.seal(hashPassword(request.password)) }),
  };
  return { guestKind: "vm", vmid: 0, node, input: { ...input } };
}

/** What an install would do now. Nothing is reserved. */
export async function planInstall(deps: OperationDeps, request: InstallRequest): Promise<InstallPlan> {
  const { node, nodeReason, candidate } = await checkInstall(deps, request);
  const image = requireImage(deps.images, request.os, request.version);
  const { sizes, clamps } = clampSizes(request.sizes, deps.settings.limits);
  const { cpuType, reason: cpuReason } = chooseCpuType(deps);
  const cached = deps.cluster.node(node)?.facts?.images.some(({ imageId }) => imageId === image.imageId) === true;
  return {
    ...candidate,
    gateway: deps.addresses.gateway,
    node,
    nodeReason,
    cpuType,
    cpuReason,
    storage: storageOf(deps, request),
    os: image.os,
    version: image.version,
    imageUrl: image.url,
    imageCached: cached,
    name: request.name === "" ? defaultVmName(request.os, candidate.vmid) : request.name,
    user: userOf(deps, request),
    sizes,
    clamps,
    warnings: [
      isPastEndOfLife(image, deps.clock.now())
        ? `${image.os} ${image.version} is past its end of life (${image.endOfLife})`
        : [],
      request.password === "" && request.sshPublicKeys.length === 0
        ? "neither a password nor a public key was given"
        : [],
    ].flat(),
  };
}

/** Everything that can be told before anything is done. */
async function checkInstall(deps: OperationDeps, request: InstallRequest) {
  const { settings } = deps;
  requireImage(deps.images, request.os, request.version);
  if (request.vmid > 0 && (request.vmid < settings.vmids.start || request.vmid > settings.vmids.end)) {
    const allowed = `${settings.vmids.start} to ${settings.vmids.end}`;
    const value = String(request.vmid);
    throw new DomainError(
      "invalid",
      "FIELD_INVALID",
      `vmid: ${value} is not in the range ${allowed}`,
      { vmid: value, allowed },
      {
        violations: [{ field: "vmid", value, allowed, description: "the VMID is outside of the configured range" }],
      },
    );
  }
  const leases = await deps.store.listLeases(settings.cluster);
  const taken = request.vmid > 0 ? whyVmidNotFree(deps, request.vmid, leases) : undefined;
  if (taken) throw taken;
  const { sizes } = clampSizes(request.sizes, settings.limits);
  const wanted = {
    requestedVmid: request.vmid,
    requestedNode: request.node,
    sizes,
    storage: storageOf(deps, request),
    bridge: bridgeOf(deps, request),
  };
  const { node, reason: nodeReason } = chooseNode(deps, wanted, leases);
  requireUsableNode(deps, node, wanted);
  const [candidate] = freeCandidates(deps, request.vmid, leases).take(1).toArray();
  if (!candidate) throw noneFree(deps);
  return { node, nodeReason, candidate };
}

function requireUsableNode(
  deps: OperationDeps,
  node: string,
  wanted: { readonly sizes: Sizes; readonly storage: string; readonly bridge: string },
): void {
  const known = deps.cluster.node(node);
  if (!known) {
    const nodes = deps.cluster.nodes().map(({ name }) => name);
    const allowed = [...nodes, "auto"].join(", ");
    throw new DomainError(
      "invalid",
      "FIELD_INVALID",
      `node: there is no node ${node} (there are: ${allowed})`,
      { node, allowed },
      {
        violations: [{ field: "node", value: node, allowed, description: "there is no such node" }],
      },
    );
  }
  if (known.link.state !== "connected") throw unreachable(deps, node);
  const why = whyNot(known, wanted.sizes, wanted);
  if (why === undefined) return;
  throw new DomainError("conflict", "NODE_NOT_USABLE", `node ${node} cannot take the VM: ${why}`, { node, why });
}

const storageOf = ({ settings }: OperationDeps, { storage }: InstallRequest) =>
  storage === "" ? settings.storage : storage;
const bridgeOf = ({ settings }: OperationDeps, { bridge }: InstallRequest) =>
  bridge === "" ? settings.bridge : bridge;

function userOf({ images }: OperationDeps, { user, os, version }: InstallRequest): string {
  return user === "" ? requireImage(images, os, version).defaultUser : user;
}
