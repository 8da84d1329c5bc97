import { z } from "zod";

const text = (name: string) => z.string().min(1, `${name} is empty`);

const Config = z.strictObject({
  QMESH_AGENT_LISTEN: z
    .string()
    .regex(/^.+:\d{1,5}$/, "host:port, for example 0.0.0.0:7443")
    .default("0.0.0.0:7443"),
  QMESH_AGENT_TLS_DIR: text("QMESH_AGENT_TLS_DIR").default("/etc/qmesh/tls"),
  QMESH_AGENT_STATE_DIR: text("QMESH_AGENT_STATE_DIR").default("/var/lib/qmesh-agent"),
  QMESH_AGENT_RUNTIME_DIR: text("QMESH_AGENT_RUNTIME_DIR").default("/run/qmesh-agent"),
  QMESH_AGENT_IMAGE_DIR: text("QMESH_AGENT_IMAGE_DIR").default("/var/lib/qmesh-agent/images"),
  QMESH_AGENT_HOST_ROOT: z.string().startsWith("/", "an absolute path").default("/"),
  QMESH_AGENT_PATH: text("QMESH_AGENT_PATH").default("/usr/sbin:/usr/bin:/sbin:/bin"),
  QMESH_AGENT_SCOPE: z.enum(["none", "systemd"]).default("none"),
  QMESH_AGENT_LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal"]).default("info"),
});

/** The agent's configuration; docs/configuration.md explains every variable. */
export interface AgentConfig {
  readonly listen: string;
  readonly tlsDir: string;
  readonly stateDir: string;
  /** Should be on a tmpfs: what is in it is of no use after a reboot. */
  readonly runtimeDir: string;
  readonly imageDir: string;
  readonly hostRoot: string;
  readonly path: string;
  readonly scope: "none" | "systemd";
  readonly logLevel: string;
}

/** Reads QMESH_AGENT_* and nothing else, so that a misspelt name is an error. Throws with every problem at once. */
export function parseConfig(env: Readonly<Record<string, string | undefined>>): AgentConfig {
  const ours = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => name.startsWith("QMESH_AGENT_") && value !== undefined),
  );
  const result = Config.safeParse(ours);
  if (!result.success) {
    const problems = result.error.issues.flatMap((issue) => {
      if (issue.code === "unrecognized_keys") return issue.keys.map((key) => `${key}: there is no such variable`);
      const name = issue.path.join(".");
      return `${name}: "${ours[name] ?? ""}": ${issue.message}`;
    });
    throw new Error(`the configuration has ${problems.length} problem(s):\n  ${problems.join("\n  ")}`);
  }
  const { data } = result;
  return Object.freeze({
    listen: data.QMESH_AGENT_LISTEN,
    tlsDir: data.QMESH_AGENT_TLS_DIR,
    stateDir: data.QMESH_AGENT_STATE_DIR,
    runtimeDir: data.QMESH_AGENT_RUNTIME_DIR,
    imageDir: data.QMESH_AGENT_IMAGE_DIR,
    hostRoot: data.QMESH_AGENT_HOST_ROOT,
    path: data.QMESH_AGENT_PATH,
    scope: data.QMESH_AGENT_SCOPE,
    logLevel: data.QMESH_AGENT_LOG_LEVEL,
  });
}
