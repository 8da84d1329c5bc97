import { z } from "zod";
import { isAddressOrNetwork } from "./access.ts";
import { type Network, parseIpv4, parseNetwork } from "./domain/ipv4.ts";

/*
 * The coordinator's configuration: the names of go-pve-qemu's .env, which works unchanged, and ours, which begin with
 * QMESH_. docs/configuration.md explains every variable; a test compares it with this file.
 */

const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^-?\d+$/, `a whole number of ${min} to ${max}`)
    .transform(Number)
    .pipe(z.int().min(min, `${min} to ${max}`).max(max, `${min} to ${max}`));
const list = z.string().transform((text) =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== ""),
);
const ipv4 = z.string().refine((text) => parseIpv4(text) !== undefined, "an IPv4 address, for example 192.168.0.1");
const addresses = list.refine(
  (items) => items.every(isAddressOrNetwork),
  "addresses or networks, for example 192.0.2.7,10.0.0.0/8",
);
const name = z.string().regex(/^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/, "letters, digits and dashes");
const word = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/, "letters, digits, dot, underscore and dash");
const baseUrl = z.url({ protocol: /^https?$/, message: "an http or https URL" });
const origin = z
  .string()
  .refine(
    (text) => URL.canParse(text) && new URL(text).origin === text,
    "an origin, for example https://console.example.com",
  );

const variables = {
  PORT: integer(0, 65_535),
  GATEWAY: ipv4,
  MAIN_NODE: name,
  ASSIGN_STORAGE: word,
  ASSIGN_IP_START: integer(100, 254).optional(),
  ASSIGN_IP_END: integer(100, 254).optional(),
  ALLOW_IPS: addresses.optional(),
  VM_MAX_CPU: integer(1, 32).optional(),
  VM_MAX_RAM: integer(512, 4_178_944).optional(),
  VM_MAX_DISK: integer(16, 131_072).optional(),
  VM_BALLOON_MIN: integer(0, 4_178_944).optional(),
  VM_ROOT_PASSWORD: z
    .string()
    .regex(/^[!-~]{5,128}$/, "5 to 128 printable ASCII characters without spaces")
    .optional(),
  QMESH_LISTEN_HOST: z.string().optional(),
  QMESH_STATE_DIR: z.string().default("/var/lib/qmesh"),
  QMESH_MESH_TLS_DIR: z.string().default("/etc/qmesh/tls"),
  QMESH_TLS_CERT: z.string().optional(),
  QMESH_TLS_KEY: z.string().optional(),
  QMESH_TRUSTED_PROXIES: addresses.default([]),
  QMESH_CORS_ORIGINS: list.pipe(z.array(origin)).default([]),
  QMESH_BRIDGE: word.default("vmbr0"),
  QMESH_ADDRESS_POLICY: z.enum(["last-octet", "pool"]).default("last-octet"),
  QMESH_ADDRESS_PREFIX_LENGTH: integer(8, 30).default(24),
  QMESH_ADDRESS_CIDR: z
    .string()
    .refine((text) => parseNetwork(text) !== undefined, "a network, for example 10.20.0.0/16")
    .optional(),
  QMESH_ADDRESS_OFFSET: integer(1, 2 ** 24).default(100),
  QMESH_VMID_START: integer(100, 999_999_999).optional(),
  QMESH_VMID_END: integer(100, 999_999_999).optional(),
  QMESH_ADDRESS_PROBE: z.enum(["arp", "tcp", "none"]).default("arp"),
  QMESH_ADDRESS_PROBE_TIMEOUT_MS: integer(50, 10_000).default(1000),
  QMESH_GUEST_SSH_PORT: integer(1, 65_535).default(22),
  QMESH_CPU_TYPE: word.default("auto"),
  QMESH_IMAGE_CATALOGUE: z.string().optional(),
  QMESH_MIRROR_DEBIAN: baseUrl.optional(),
  QMESH_MIRROR_UBUNTU: baseUrl.optional(),
  QMESH_MIRROR_ROCKYLINUX: baseUrl.optional(),
  QMESH_GUEST_TIMEZONE: z
    .string()
    .regex(/^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/, "a time zone, for example Europe/Berlin")
    .optional(),
  QMESH_GUEST_LOCALE: z
    .string()
    .regex(/^[a-zA-Z]+(_[A-Z]+)?(\.[A-Za-z0-9-]+)?$/, "a locale, for example en_US.UTF-8")
    .optional(),
  QMESH_GUEST_PACKAGES: z
    .string()
    .transform((text) => text.split(/[\s,]+/).filter((item) => item !== ""))
    .refine(
      (items) => items.every((item) => /^[a-z0-9][a-z0-9+.-]*$/i.test(item)),
      "names of packages, for example curl htop",
    )
    .default([]),
  QMESH_GUEST_SWAP_MIB: integer(0, 1_048_576).default(0),
  QMESH_GUEST_NAMESERVERS: list
    .refine(
      (items) => items.length <= 3 && items.every((item) => parseIpv4(item) !== undefined),
      "at most 3 IPv4 addresses",
    )
    .default([]),
  QMESH_GUEST_SEARCH_DOMAIN: z
    .string()
    .regex(/^[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)*$/, "a domain")
    .optional(),
  QMESH_READY_TIMEOUT_S: integer(10, 86_400).default(600),
  QMESH_SCRIPT_TIMEOUT_S: integer(10, 86_400).default(1800),
  QMESH_LINK_TIMEOUT_S: integer(1, 86_400).default(600),
  QMESH_LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal"]).default("info"),
};

/** Node's own variables that have the form of a node's name. */
const notNodes = new Set(["NODE_ENV", "NODE_OPTIONS", "NODE_PATH", "NODE_DEBUG"]);
const nodeVariable = /^NODE_([a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)$/;
const defaultAgentPort = 7443;

/** The coordinator's configuration, checked. */
export interface CoordinatorConfig extends Readonly<z.infer<z.ZodObject<typeof variables>>> {
  /** Agents' addresses, host:port, by node. */
  readonly nodes: ReadonlyMap<string, string>;
  readonly addressNetwork: Network | undefined;
}

/** The names of all variables but NODE_<name>, for the documentation's test. */
export const variableNames: readonly string[] = Object.keys(variables);

/** Reads the configuration. Throws with every problem at once: the variable, its value and what is allowed. */
export function parseConfig(env: Readonly<Record<string, string | undefined>>): CoordinatorConfig {
  // An empty variable is one that is not set: example files list them so.
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ""));
  const problems: string[] = [];
  const result = z.object(variables).safeParse(set);
  if (!result.success)
    for (const { path, message, code } of result.error.issues) {
      const variable = String(path[0]);
      const value = set[variable];
      problems.push(
        value === undefined || code === "invalid_type"
          ? `${variable}: is required`
          : `${variable}: "${shown(variable, value)}": allowed: ${message}`,
      );
    }
  for (const variable of Object.keys(set))
    if (variable.startsWith("QMESH_") && !variable.startsWith("QMESH_AGENT_") && !(variable in variables))
      problems.push(`${variable}: there is no such variable`);
  const nodes = readNodes(set, problems);
  if (result.success) checkTogether(result.data, nodes, problems);
  if (!result.success || problems.length > 0)
    throw new Error(`the configuration has ${problems.length} problem(s):\n  ${problems.join("\n  ")}`);
  const { data } = result;
  return Object.freeze({ ...data, nodes, addressNetwork: parseNetwork(data.QMESH_ADDRESS_CIDR ?? "") });
}

function readNodes(set: Readonly<Record<string, string | undefined>>, problems: string[]): ReadonlyMap<string, string> {
  const nodes = new Map<string, string>();
  for (const [variable, value = ""] of Object.entries(set)) {
    const node = notNodes.has(variable) ? undefined : nodeVariable.exec(variable)?.[1];
    if (node === undefined) continue;
    const [, host, port = String(defaultAgentPort)] =
      /^([a-zA-Z0-9.-]+|\[[0-9a-fA-F:]+\])(?::(\d{1,5}))?$/.exec(value) ?? [];
    if (host === undefined || Number(port) > 65_535)
      problems.push(`${variable}: "${value}": allowed: host or host:port of the node's agent`);
    else nodes.set(node, `${host}:${port}`);
  }
  if (nodes.size === 0)
    problems.push("NODE_<name>: is required, once for each node, for example NODE_pve1=192.168.0.11");
  return nodes;
}

/** What one variable demands of another. */
function checkTogether(
  data: z.infer<z.ZodObject<typeof variables>>,
  nodes: ReadonlyMap<string, string>,
  problems: string[],
): void {
  if (nodes.size > 0 && !nodes.has(data.MAIN_NODE))
    problems.push(
      `MAIN_NODE: "${data.MAIN_NODE}": allowed: ${[...nodes.keys()].join(", ")} (the nodes with a NODE_<name>)`,
    );
  if ((data.QMESH_TLS_CERT === undefined) !== (data.QMESH_TLS_KEY === undefined))
    problems.push("QMESH_TLS_CERT, QMESH_TLS_KEY: both or neither have to be set");
  if (data.QMESH_ADDRESS_POLICY === "pool") {
    if (data.QMESH_ADDRESS_CIDR === undefined)
      problems.push("QMESH_ADDRESS_CIDR: is required with QMESH_ADDRESS_POLICY=pool");
    if (data.QMESH_VMID_START === undefined || data.QMESH_VMID_END === undefined)
      problems.push("QMESH_VMID_START, QMESH_VMID_END: are required with QMESH_ADDRESS_POLICY=pool");
  }
  const { start, end } = vmidRange(data);
  if (start > end) problems.push(`ASSIGN_IP_START, ASSIGN_IP_END: ${start} is above ${end}`);
}

/** The VMIDs that installs take from. */
export function vmidRange(
  config: Pick<
    CoordinatorConfig,
    "QMESH_ADDRESS_POLICY" | "QMESH_VMID_START" | "QMESH_VMID_END" | "ASSIGN_IP_START" | "ASSIGN_IP_END"
  >,
): { readonly start: number; readonly end: number } {
  if (config.QMESH_ADDRESS_POLICY === "pool")
    return { start: config.QMESH_VMID_START ?? 100, end: config.QMESH_VMID_END ?? 100 };
  return { start: config.ASSIGN_IP_START ?? 100, end: config.ASSIGN_IP_END ?? 254 };
}

const shown = (variable: string, value: string) => (variable === "VM_ROOT_PASSWORD" ? "<hidden>" : value.slice(0, 100));
