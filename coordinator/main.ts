import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as dotenv from "dotenv";
import { AccessList } from "./access.ts";
import { buildCoordinator } from "./build.ts";
import { type CoordinatorConfig, parseConfig } from "./config.ts";
import { createLogger } from "./logger.ts";
import type { TlsFiles } from "./one-port.ts";
import { createServer } from "./server.ts";

/** Calls that are running at a stop get this long. Operations are not ended: they go on after the next start. */
const drainMs = 5000;

const usage = `qmesh-coordinator: provisions VMs on a Proxmox VE cluster through the agents on its nodes.

Usage: qmesh-coordinator [--help | --version]

It is configured by environment variables, or a .env file in the working directory; a .env of go-pve-qemu works
unchanged. Required: PORT, GATEWAY, MAIN_NODE, NODE_<name>, ASSIGN_STORAGE. docs/configuration.md explains them all.
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
  const log = createLogger(config.QMESH_LOG_LEVEL);
  const tls = await readTls(config);
  const coordinator = await buildCoordinator(config, fileURLToPath(new URL("../sh", import.meta.url)), log);
  const stopping = new AbortController();
  const app = await createServer({
    services: coordinator.services,
    metrics: coordinator.metrics,
    access: new AccessList(config.ALLOW_IPS ?? ["0.0.0.0"], config.QMESH_TRUSTED_PROXIES),
    corsOrigins: config.QMESH_CORS_ORIGINS,
    tls,
    readScript: coordinator.readScript,
    version: readVersion(),
    stopping: stopping.signal,
    report: (error) => log.error({ err: error }, "a call failed for a reason that nobody foresaw"),
  });
  await coordinator.start();
  // Without a list of callers only this machine may call.
  const host = config.QMESH_LISTEN_HOST ?? (config.ALLOW_IPS === undefined ? "127.0.0.1" : "0.0.0.0");
  const url = await app.listen({ host, port: config.PORT });
  log.info({ url: tls ? url.replace(/^http:/, "https:") : url }, "coordinator ready");

  const stop = (signal: string) => {
    log.info({ signal }, "stopping; operations go on after the next start");
    stopping.abort();
    setTimeout(() => process.exit(0), drainMs).unref();
    coordinator
      .stop()
      .then(() => app.close())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ err: error }, "the stop was not clean");
          process.exit(1);
        },
      );
  };
  process.once("SIGTERM", stop).once("SIGINT", stop);
}

async function readTls({ QMESH_TLS_CERT: cert, QMESH_TLS_KEY: key }: CoordinatorConfig): Promise<TlsFiles | undefined> {
  return cert === undefined || key === undefined ? undefined : { cert: await readFile(cert), key: await readFile(key) };
}

main().catch((error: unknown) => {
  process.stderr.write(`qmesh-coordinator: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
