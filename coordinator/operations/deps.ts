import type { ImageCatalogue } from "../domain/images.ts";
import type { SizeLimits } from "../domain/limits.ts";
import type { VmidRange } from "../domain/vmid.ts";
import type { AddressPolicy } from "../ports/address-policy.ts";
import type { Clock } from "../ports/clock.ts";
import type { ClusterView } from "../ports/cluster-view.ts";
import type { GuestSessions } from "../ports/guest-session.ts";
import type { NodeClient } from "../ports/node-client.ts";
import type { Secrets } from "../ports/secrets.ts";
import type { Store } from "../ports/store.ts";

/** What steps may use. */
export interface OperationDeps {
  readonly store: Pick<Store, "takeLease" | "bindLease" | "releaseLease" | "listLeases">;
  readonly cluster: ClusterView;
  /** By node. */
  readonly nodes: ReadonlyMap<string, NodeClient>;
  readonly guests: GuestSessions;
  readonly addresses: AddressPolicy;
  readonly images: ImageCatalogue;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly settings: OperationSettings;
  /** A script of `sh/` by its name without ending, such as `ubuntu_24.04`; undefined when there is none. */
  readonly readScript: (name: string) => Promise<string | undefined>;
}

/** The part of the configuration that operations go by. */
export interface OperationSettings {
  readonly cluster: string;
  readonly mainNode: string;
  readonly storage: string;
  readonly bridge: string;
  readonly vmids: VmidRange;
  readonly limits: SizeLimits;
  /** 0: no ballooning. */
  readonly balloonMinMib: number;
  /** `auto`: the cluster's baseline. */
  readonly cpuType: string;
  readonly probe: { readonly method: "arp" | "tcp" | "none"; readonly timeoutMs: number };
  readonly guestSshPort: number;
  /** How long a guest may take from its start until its login works. */
  readonly readyTimeoutMs: number;
  /** How long the init script may take. */
  readonly scriptTimeoutMs: number;
  /** How long a step waits for a node that stopped answering. */
  readonly linkTimeoutMs: number;
  /** What the init script is told. */
  readonly guest: GuestSettings;
}

/** How guests are set up inside. */
export interface GuestSettings {
  /** A crypt hash, or empty. Never journalled. */
  readonly rootPasswordHash: string;
  /** Empty: left as the image has it. */
  readonly timeZone: string;
  readonly locale: string;
  readonly packages: readonly string[];
  readonly swapMib: number;
  readonly nameservers: readonly string[];
  readonly searchDomain: string;
}
