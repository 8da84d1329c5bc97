import type { Clamp, Sizes } from "./limits.ts";

/** What an install starts with: the request, checked, with limits and defaults applied. Secrets are sealed. */
export interface InstallInput {
  readonly cluster: string;
  /** 0: the next free one. */
  readonly requestedVmid: number;
  /** Empty: made from os and VMID. */
  readonly requestedName: string;
  /** Empty: the main node. `auto`: placement decides. */
  readonly requestedNode: string;
  readonly os: string;
  readonly version: string;
  readonly sizes: Sizes;
  readonly clamps: readonly Clamp[];
  readonly user: string;
  /** A crypt hash; absent: no password. */
  readonly passwordHash?: { readonly sealed: string };
  readonly sshPublicKeys: readonly string[];
  readonly storage: string;
  readonly bridge: string;
}

/** The name of a VM that was not given one. */
export function defaultVmName(os: string, vmid: number): string {
  return `${os}-${vmid}`;
}
