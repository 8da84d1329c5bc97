import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { encrypt } from "unixcrypt";
import { alwaysLeader } from "./adapters/always-leader.ts";
import { GrpcNodeClient, type MeshIdentity } from "./adapters/grpc-node-client.ts";
import { keyFileSecrets, readSecretKey } from "./adapters/key-file-secrets.ts";
import { lastOctetPolicy } from "./adapters/last-octet-policy.ts";
import { poolPolicy } from "./adapters/pool-policy.ts";
import { promMetrics } from "./adapters/prom-metrics.ts";
import { openSqliteStore } from "./adapters/sqlite-store.ts";
import { ssh2GuestSessions } from "./adapters/ssh2-guest-sessions.ts";
import { buildServices, type Services } from "./api/services.ts";
import { type CoordinatorConfig, vmidRange } from "./config.ts";
import { DomainError } from "./domain/errors.ts";
import { ImageCatalogue, type Mirrors } from "./domain/images.ts";
import { Inventory } from "./inventory/inventory.ts";
import { keepLink, keepOfflineGuests } from "./inventory/node-link.ts";
import type { Logger } from "./logger.ts";
import { allOperations } from "./operations/catalogue.ts";
import type { OperationDeps, OperationSettings } from "./operations/deps.ts";
import { Operations } from "./operations/engine/operations.ts";
import type { AddressPolicy } from "./ports/address-policy.ts";
import type { Clock } from "./ports/clock.ts";
import type { Metrics } from "./ports/metrics.ts";
import type { NodeClient } from "./ports/node-client.ts";
import type { Store } from "./ports/store.ts";

/** The coordinator's inside, connected to nothing yet. */
export interface Coordinator {
  readonly services: Services;
  readonly metrics: Metrics;
  readonly deps: OperationDeps;
  readonly operations: Operations<OperationDeps>;
  readonly readScript: OperationDeps["readScript"];
  /** Connects to the nodes and takes up what was interrupted. */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

const cluster = "";
/** Undo is tried again this often before a person has to look; a node that does not answer is waited for without end. */
const undoAttempts = 6;
const maxUndoDelayMs = 30_000;
/** How long the start waits for nodes to answer before it serves. */
const firstContactMs = 3000;

const systemClock: Clock = { now: () => new Date(), elapsedMs: () => performance.now() };

/** Builds everything from the configuration. */
export async function buildCoordinator(
  config: CoordinatorConfig,
  scriptFolder: string,
  log: Logger,
): Promise<Coordinator> {
  const store = await openSqliteStore(join(config.QMESH_STATE_DIR, "qmesh.db"));
  const secrets = keyFileSecrets(await readSecretKey(join(config.QMESH_STATE_DIR, "secret.key")));
  const identity = await readMeshIdentity(config.QMESH_MESH_TLS_DIR);
  const inventory = new Inventory([...config.nodes.keys()]);
  const nodes = new Map<string, NodeClient>(
    [...config.nodes].map(([name, address]) => [name, new GrpcNodeClient(name, address, identity)]),
  );
  const readScript = scriptReader(scriptFolder);
  const deps: OperationDeps = {
    store,
    cluster: inventory,
    nodes,
    guests: ssh2GuestSessions,
    addresses: toAddressPolicy(config),
    images: await readCatalogue(config),
    secrets,
    clock: systemClock,
    settings: toSettings(config),
    readScript,
  };
  const metrics = promMetrics({
    runningOperations: () => operations.runningCount,
    links: () => new Map(inventory.nodes().map(({ name, link }) => [name, link.state === "connected" ? 1 : 0])),
    guests: () => countBy(inventory.guests().map(({ state }) => state)),
  });
  const operations: Operations<OperationDeps> = new Operations({
    deps,
    journal: store,
    pipelines: allOperations,
    clock: systemClock,
    undoPolicy,
    report: (message, error) => (error === undefined ? log.info(message) : log.error({ err: error }, message)),
    onEnd: ({ kind, state, createTime, endTime }) =>
      metrics.operationEnded(kind, state, ((endTime ?? createTime).getTime() - createTime.getTime()) / 1000),
  });
  const services = buildServices({ deps, operations, journal: store, hashPassword: (password) => encrypt(password) });
  const ended = new AbortController();
  return {
    services,
    metrics,
    deps,
    operations,
    readScript,
    start: () => start(store, inventory, nodes, operations, ended.signal, log),
    stop: async () => {
      ended.abort();
      await operations.stop();
      for (const client of nodes.values()) client.close();
      await store.close();
    },
  };
}

async function start(
  store: Store,
  inventory: Inventory,
  nodes: ReadonlyMap<string, NodeClient>,
  operations: Operations<OperationDeps>,
  ended: AbortSignal,
  log: Logger,
): Promise<void> {
  for (const { node, facts, lastSeen } of await store.recallNodes()) inventory.recall(node, facts, lastSeen);
  const report = (message: string) => log.info(message);
  for (const client of nodes.values()) {
    const remember = (facts: Parameters<Store["rememberNode"]>[0]["facts"]) => {
      store.rememberNode({ node: client.node, facts, lastSeen: systemClock.now() }).catch((error: unknown) => {
        if (!ended.aborted) log.error({ err: error }, `the facts of node ${client.node} could not be remembered`);
      });
    };
    void keepLink({ client, inventory, clock: systemClock, onFacts: remember, report }, ended);
  }
  void keepOfflineGuests(nodes, inventory, ended);
  const allUp = () => inventory.nodes().every(({ link }) => link.state !== "disconnected");
  await inventory.waitFor(allUp, firstContactMs, ended);
  const leads = await alwaysLeader.lead(cluster);
  if (leads.aborted) return;
  const resumed = await operations.resume();
  if (resumed > 0) log.info(`${resumed} interrupted operation(s) go on`);
}

async function readMeshIdentity(folder: string): Promise<MeshIdentity> {
  const [ca, certificate, key] = await Promise.all(
    ["ca.pem", "coordinator.pem", "coordinator.key"].map((name) =>
      readFile(join(folder, name)).catch((error: unknown) => {
        throw new Error(
          `QMESH_MESH_TLS_DIR: ${join(folder, name)} cannot be read; "npm run pki -- --help" tells how to make it`,
          { cause: error },
        );
      }),
    ),
  );
  if (!ca || !certificate || !key) throw new Error(`${folder} is incomplete`);
  return { ca, certificate, key };
}

async function readCatalogue(config: CoordinatorConfig): Promise<ImageCatalogue> {
  const mirrors: Record<string, string | undefined> = {
    debian: config.QMESH_MIRROR_DEBIAN,
    ubuntu: config.QMESH_MIRROR_UBUNTU,
    rockylinux: config.QMESH_MIRROR_ROCKYLINUX,
  };
  const set: Mirrors = Object.fromEntries(
    Object.entries(mirrors).flatMap(([os, url]) => (url === undefined ? [] : [[os, url]])),
  );
  const file = config.QMESH_IMAGE_CATALOGUE;
  if (file === undefined) return new ImageCatalogue(set);
  try {
    return new ImageCatalogue(set, JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`QMESH_IMAGE_CATALOGUE: ${file} is not a catalogue: ${why}`, { cause: error });
  }
}

function toAddressPolicy(config: CoordinatorConfig): AddressPolicy {
  const { addressNetwork, GATEWAY } = config;
  if (config.QMESH_ADDRESS_POLICY === "last-octet" || !addressNetwork)
    return lastOctetPolicy(GATEWAY, config.QMESH_ADDRESS_PREFIX_LENGTH);
  return poolPolicy(addressNetwork, config.QMESH_ADDRESS_OFFSET, vmidRange(config).start, GATEWAY);
}

function toSettings(config: CoordinatorConfig): OperationSettings {
  const { VM_MAX_CPU: maxCores, VM_MAX_RAM: maxMemoryMib, VM_MAX_DISK: maxDiskGib } = config;
  return {
    cluster,
    mainNode: config.MAIN_NODE,
    storage: config.ASSIGN_STORAGE,
    bridge: config.QMESH_BRIDGE,
    vmids: vmidRange(config),
    limits: {
      ...(maxCores === undefined ? {} : { maxCores }),
      ...(maxMemoryMib === undefined ? {} : { maxMemoryMib }),
      ...(maxDiskGib === undefined ? {} : { maxDiskBytes: maxDiskGib * 2 ** 30 }),
    },
    balloonMinMib: config.VM_BALLOON_MIN ?? 0,
    cpuType: config.QMESH_CPU_TYPE,
    probe: { method: config.QMESH_ADDRESS_PROBE, timeoutMs: config.QMESH_ADDRESS_PROBE_TIMEOUT_MS },
    guestSshPort: config.QMESH_GUEST_SSH_PORT,
    readyTimeoutMs: config.QMESH_READY_TIMEOUT_S * 1000,
    scriptTimeoutMs: config.QMESH_SCRIPT_TIMEOUT_S * 1000,
    linkTimeoutMs: config.QMESH_LINK_TIMEOUT_S * 1000,
    guest: {
      rootPasswordHash: config.VM_ROOT_PASSWORD === undefined ? "" : encrypt(config.VM_ROOT_PASSWORD),
      timeZone: config.QMESH_GUEST_TIMEZONE ?? "",
      locale: config.QMESH_GUEST_LOCALE ?? "",
      packages: config.QMESH_GUEST_PACKAGES,
      swapMib: config.QMESH_GUEST_SWAP_MIB,
      nameservers: config.QMESH_GUEST_NAMESERVERS,
      searchDomain: config.QMESH_GUEST_SEARCH_DOMAIN ?? "",
    },
  };
}

/** Scripts by name; a name never leads out of the folder. */
function scriptReader(folder: string): OperationDeps["readScript"] {
  return async (name) =>
    /^[a-z0-9][a-z0-9._-]*$/.test(name)
      ? readFile(join(folder, `${name}.sh`), "utf8").catch(() => undefined)
      : undefined;
}

function undoPolicy(attempt: number, error: unknown): { readonly delayMs: number } | "give-up" {
  const unreachable = error instanceof DomainError && error.kind === "unavailable";
  if (attempt >= undoAttempts && !unreachable) return "give-up";
  return { delayMs: Math.min(500 * 2 ** attempt, maxUndoDelayMs) };
}

function countBy(items: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}
