import type { Duplex } from "node:stream";
import type { ErrorKind } from "../domain/errors.ts";
import type { Guest } from "../domain/guest.ts";
import type { CachedImage, NodeDelta, NodeState } from "../domain/node.ts";

/**
 * What the coordinator asks of one node. Every call throws a DomainError of kind `unavailable` when the node cannot be
 * reached or stops answering.
 */
export interface NodeClient {
  readonly node: string;
  /** The node's state, and what changes, until the connection is lost. */
  watch(signal: AbortSignal): AsyncIterable<NodeUpdate>;
  /** Runs a command or attaches to it, and yields what happens. The last event is the outcome. */
  run(commandId: string, command: NodeCommand, options: RunOptions): AsyncIterable<CommandEvent>;
  cancelCommand(commandId: string): Promise<void>;
  pullImage(image: PullRequest, signal: AbortSignal): AsyncIterable<PullEvent>;
  /** False when there was nothing to delete. */
  deleteImage(imageId: string): Promise<boolean>;
  /** A connection to a TCP port of a guest of the node. */
  openTunnel(vmid: number, port: number, signal: AbortSignal): Promise<Duplex>;
  readGuest(vmid: number): Promise<Guest>;
  probeAddress(address: string, method: "arp" | "tcp", port: number, timeoutMs: number): Promise<ProbeResult>;
  /** Guests of other nodes too, from the cluster's files. */
  listClusterGuests(): Promise<readonly Guest[]>;
  /** Drops the connection, so that the next call dials anew. */
  reset(): void;
  close(): void;
}

export type NodeUpdate =
  | { readonly type: "state"; readonly state: NodeState }
  | { readonly type: "delta"; readonly delta: NodeDelta }
  | { readonly type: "heartbeat" };

export interface RunOptions {
  readonly timeoutMs: number;
  /** Leaves out output lines that were received before. */
  readonly afterSequence: number;
  readonly signal: AbortSignal;
}

/** One change, as the agent's contract has it. */
export type NodeCommand =
  | CreateVmCommand
  | {
      readonly type: "set-vm";
      readonly vmid: number;
      readonly coreCount?: number;
      readonly memoryMib?: number;
      readonly balloonMib?: number;
      readonly sshPublicKeys?: readonly string[];
    }
  | { readonly type: "resize-disk"; readonly vmid: number; readonly slot: string; readonly sizeBytes: number }
  | { readonly type: "start-vm"; readonly vmid: number }
  | { readonly type: "stop-vm"; readonly vmid: number; readonly overruleShutdown: boolean; readonly skipLock: boolean }
  | { readonly type: "shutdown-vm"; readonly vmid: number; readonly timeoutS: number; readonly force: boolean }
  | { readonly type: "reboot-vm"; readonly vmid: number; readonly timeoutS: number; readonly fromPid: number }
  | { readonly type: "reset-vm"; readonly vmid: number }
  | { readonly type: "suspend-vm"; readonly vmid: number }
  | { readonly type: "resume-vm"; readonly vmid: number }
  | { readonly type: "migrate-vm"; readonly vmid: number; readonly targetNode: string; readonly online: boolean }
  | {
      readonly type: "destroy-vm";
      readonly vmid: number;
      /** Removes the VM only if it carries this UUID. Empty: whatever it carries. */
      readonly onlySmbiosUuid: string;
      readonly skipLock: boolean;
    };

export interface CreateVmCommand {
  readonly type: "create-vm";
  readonly vmid: number;
  readonly name: string;
  readonly coreCount: number;
  readonly cpuType: string;
  readonly memoryMib: number;
  readonly balloonMib: number;
  readonly bridge: string;
  readonly storage: string;
  readonly imageId: string;
  readonly imageChecksum: string;
  /** The size that the imported image is grown to, once for all installs. */
  readonly baseSizeBytes: number;
  readonly user: string;
  /** A crypt(3) hash, or empty. */
  readonly passwordHash: string;
  readonly sshPublicKeys: readonly string[];
  /** In CIDR notation. */
  readonly address: string;
  readonly gateway: string;
  readonly nameservers: readonly string[];
  readonly searchDomain: string;
  readonly tags: readonly string[];
  readonly smbiosUuid: string;
}

export type CommandEvent =
  | { readonly type: "line"; readonly sequence: number; readonly text: string }
  | { readonly type: "progress"; readonly sequence: number; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly type: "outcome"; readonly outcome: CommandOutcome };

/** How a command ended, judged by its effect. */
export interface CommandOutcome {
  readonly succeeded: boolean;
  /** Set when it did not succeed. */
  readonly error?: {
    readonly kind: ErrorKind;
    readonly reason: string;
    readonly message: string;
    readonly metadata: Readonly<Record<string, string>>;
  };
  /** Why no process was started; empty when one was. */
  readonly notNeeded: string;
  readonly stderrTail: string;
  /** The guest after the command, if the node still has it. */
  readonly guest?: Guest;
}

export interface PullRequest {
  readonly imageId: string;
  readonly url: string;
  readonly checksumUrl: string;
  readonly checksumAlgorithm: "sha256" | "sha512";
  readonly refresh: boolean;
}

export type PullEvent =
  | { readonly type: "phase"; readonly phase: "cached" | "checking" | "downloading" | "verifying" }
  | { readonly type: "progress"; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly type: "image"; readonly image: CachedImage };

export interface ProbeResult {
  readonly inUse: boolean;
  /** False when nobody could be asked. */
  readonly conclusive: boolean;
  readonly evidence: string;
}
