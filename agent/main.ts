import { readFileSync } from "node:fs";
import * as dotenv from "dotenv";
import { AgentService } from "../gen/qmesh/agent/v1/agent_service_pb.js";
import { parseConfig } from "./config.ts";
import { createLogger } from "./logger.ts";
import { notifySystemd } from "./notify.ts";
import { buildAgent, listen, readCredentials } from "./server.ts";

/** Streams that are open at a stop get this long to end; commands are not ended at all. */
const drainMs = 5000;

const usage = `qmesh-agent: runs qm on a Proxmox VE node and streams the node's state to a qmesh coordinator.

Usage: qmesh-agent [--help | --version]

It is configured by environment variables, or a .env file in the working directory:
  QMESH_AGENT_LISTEN        host:port to listen on                       0.0.0.0:7443
  QMESH_AGENT_TLS_DIR       folder with ca.pem, agent.pem, agent.key     /etc/qmesh/tls
  QMESH_AGENT_STATE_DIR     what it remembers of commands                /var/lib/qmesh-agent
  QMESH_AGENT_RUNTIME_DIR   files of running commands, on a tmpfs        /run/qmesh-agent
  QMESH_AGENT_IMAGE_DIR     downloaded images                            /var/lib/qmesh-agent/images
  QMESH_AGENT_PATH          PATH of qm and qemu-img                      /usr/sbin:/usr/bin:/sbin:/bin
  QMESH_AGENT_SCOPE         none, or systemd: commands in own scopes     none
  QMESH_AGENT_HOST_ROOT     where /etc/pve and /proc are                 /
  QMESH_AGENT_LOG_LEVEL     trace, debug, info, warn, error or fatal     info
`;

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return version;
}

async function main(): Promise<void> {
  if (process.argv.includes("--help")) return void process.stdout.write(usage);
  if (process.argv.includes("--version")) return void process.stdout.write(`${readVersion()}\n`);
  dotenv.config({ quiet: true });
  const config = parseConfig(process.env);
  const log = createLogger(config.logLevel);
  const agent = await buildAgent(config, readVersion(), log);
  const port = await listen(agent.server, config.listen, await readCredentials(config.tlsDir));
  log.info(
    { node: agent.watcher.state.facts.node, port },
    `agent ready on ${config.listen.replace(/:\d+$/, "")}:${port}`,
  );
  notifySystemd("READY=1", process.env["NOTIFY_SOCKET"]);

  const stop = (signal: string) => {
    log.info({ signal }, "stopping; commands and guests go on");
    notifySystemd("STOPPING=1", process.env["NOTIFY_SOCKET"]);
    agent.health.setStatus("", "NOT_SERVING");
    agent.health.setStatus(AgentService.typeName, "NOT_SERVING");
    agent.watcher.stop();
    setTimeout(() => agent.server.forceShutdown(), drainMs).unref();
    agent.server.tryShutdown(() => process.exit(0));
  };
  process.once("SIGTERM", stop).once("SIGINT", stop);
}

main().catch((error: unknown) => {
  process.stderr.write(`qmesh-agent: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
