import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { AgentService } from "../gen/qmesh/agent/v1/agent_service_pb.js";
import { type AgentParts, agentHandlers } from "./api/agent-service.ts";
import { serviceDefinition, serviceImplementation } from "./api/grpc-service.ts";
import { requireCoordinator } from "./api/peer.ts";
import { CommandService } from "./commands/command-service.ts";
import { ProcessRunner } from "./commands/process-runner.ts";
import { RecordStore } from "./commands/record-store.ts";
import type { AgentConfig } from "./config.ts";
import { hostPaths } from "./host/host-paths.ts";
import { UsageReader } from "./host/usage.ts";
import { ImageCache } from "./images/image-cache.ts";
import type { Logger } from "./logger.ts";
import { FactsReader } from "./state/facts-reader.ts";
import { GuestReader } from "./state/guest-reader.ts";
import { NodeWatcher } from "./state/node-watcher.ts";

/** A peer that does not answer a ping within this is gone: 3 s + 5 s is within the 10 s that are promised. */
const channelOptions: grpc.ServerOptions = {
  "grpc.keepalive_time_ms": 3000,
  "grpc.keepalive_timeout_ms": 5000,
  "grpc.max_receive_message_length": 16 << 20,
};

/** Takes commands out of the agent's cgroup, so that systemd never counts them to it. */
const systemdScope = ["systemd-run", "--scope", "--quiet", "--collect", "--slice=qmesh-commands.slice", "--"];

/** The agent's inside, ready to serve. */
export interface Agent extends AgentParts {
  readonly server: grpc.Server;
  readonly health: HealthImplementation;
  readonly runner: ProcessRunner;
}

/** Builds the agent and reads everything it needs. Listens to nothing yet. */
export async function buildAgent(config: AgentConfig, version: string, log: Logger): Promise<Agent> {
  const paths = hostPaths(config.hostRoot);
  const images = new ImageCache(config.imageDir, config.path, log);
  await images.load();
  const facts = new FactsReader(paths, version, () => images.list());
  const watcher = new NodeWatcher(facts, new GuestReader(paths), new UsageReader(paths.proc), log);
  await watcher.start();
  images.onChange = () =>
    void watcher.refresh("facts").catch((error: unknown) => log.error({ err: error }, "refresh failed"));
  const runner = new ProcessRunner({ path: config.path, scope: config.scope === "systemd" ? systemdScope : [] });
  const commands = new CommandService(
    runner,
    new RecordStore(join(config.stateDir, "commands"), log),
    {
      bootId: watcher.state.facts.bootId,
      tasks: paths.tasks,
      view: async (vmid) => {
        const { guests } = await watcher.refresh();
        return { guest: guests.get(vmid), node: await watcher.findNode(vmid) };
      },
      takeImage: ({ imageId, imageChecksum, baseSizeBytes }) => images.take(imageId, imageChecksum, baseSizeBytes),
    },
    join(config.runtimeDir, "commands"),
    log,
  );
  await commands.recover();
  const parts: AgentParts = { paths, watcher, facts, commands, images };
  const server = new grpc.Server(channelOptions);
  server.addService(
    serviceDefinition(AgentService),
    serviceImplementation(
      AgentService,
      agentHandlers(parts),
      (call) => requireCoordinator(call.getAuthContext().sslPeerCertificate),
      log,
    ),
  );
  const health = new HealthImplementation({ "": "SERVING", [AgentService.typeName]: "SERVING" });
  health.addToServer(server);
  return { ...parts, server, health, runner };
}

/** The agent's identity: `ca.pem`, `agent.pem` and `agent.key` of a folder. Callers need a certificate of the CA. */
export async function readCredentials(folder: string): Promise<grpc.ServerCredentials> {
  const [ca, cert, key] = await Promise.all(
    ["ca.pem", "agent.pem", "agent.key"].map((name) => readFile(join(folder, name))),
  );
  if (!ca || !cert || !key) throw new Error(`${folder} is incomplete`);
  return grpc.ServerCredentials.createSsl(ca, [{ cert_chain: cert, private_key: key }], true);
}

/** Binds the port and answers which one it is. */
export function listen(server: grpc.Server, address: string, credentials: grpc.ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => (error ? reject(error) : resolve(port)));
  });
}
