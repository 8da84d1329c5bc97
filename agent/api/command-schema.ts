import { type Duration, durationMs } from "@bufbuild/protobuf/wkt";
import { z } from "zod";
import type { Command } from "../../gen/qmesh/agent/v1/command_pb.js";
import { AgentError } from "../errors.ts";
import type { QmCommand } from "../qm/command.ts";

/*
 * What the agent accepts, whoever asks: every word ends as one argument of a program that runs as root. Values that
 * come without an option before them must not look like one.
 */
const vmid = z.int().min(100).max(999_999_999);
const word = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}$/, "letters, digits, dot, underscore and dash");
const dnsName = z
  .string()
  .max(253)
  .regex(/^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/);
const userName = z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/);
const uuid = z.guid();
const mib = 2 ** 20;
const bytes = z.bigint().transform(Number).pipe(z.int().positive().multipleOf(mib));
const sshKey = z
  .string()
  .max(16_384)
  .regex(/^[^\r\n]+$/, "one line");
const timeoutS = z.int().min(1).max(86_400);

const schemas = {
  createVm: z.object({
    vmid,
    name: dnsName,
    coreCount: z.int().min(1).max(8192),
    cpuType: word,
    memoryMib: z.int().min(16),
    balloonMib: z.int().min(0),
    bridge: word,
    storage: word,
    imageId: word,
    imageChecksum: z.string().regex(/^[0-9a-f]{64,128}$/),
    baseSizeBytes: bytes,
    user: userName,
    passwordHash: z.string().regex(/^(\$[0-9a-z]+\$[!-~]+)?$/, "a crypt(3) hash"),
    sshPublicKeys: z.array(sshKey).max(64),
    address: z.cidrv4(),
    gateway: z.ipv4(),
    nameservers: z.array(z.ipv4()).max(3),
    searchDomain: z.union([z.literal(""), dnsName]),
    tags: z.array(word).max(16),
    smbiosUuid: uuid,
  }),
  setVm: z.object({
    vmid,
    coreCount: z.int().min(1).max(8192).optional(),
    memoryMib: z.int().min(16).optional(),
    balloonMib: z.int().min(0).optional(),
    replaceSshPublicKeys: z.object({ keys: z.array(sshKey).max(64) }).optional(),
  }),
  resizeDisk: z.object({ vmid, slot: z.string().regex(/^(ide|sata|scsi|virtio)\d{1,2}$/), sizeBytes: bytes }),
  shutdownVm: z.object({ vmid, timeoutS, force: z.boolean() }),
  rebootVm: z.object({ vmid, timeoutS, fromPid: z.int().min(0) }),
  migrateVm: z.object({ vmid, targetNode: word, online: z.boolean() }),
  destroyVm: z.object({ vmid, onlySmbiosUuid: z.union([z.literal(""), uuid]), skipLock: z.boolean() }),
  stopVm: z.object({ vmid, overruleShutdown: z.boolean(), skipLock: z.boolean() }),
  plain: z.object({ vmid }),
};

/** The command of a request as plain, checked data. */
export function toCommand({ command }: Command): QmCommand {
  switch (command.case) {
    case "createVm":
      return { type: "create-vm", ...check(schemas.createVm, command.value) };
    case "setVm": {
      const { replaceSshPublicKeys, coreCount, memoryMib, balloonMib, ...rest } = check(schemas.setVm, command.value);
      return {
        type: "set-vm",
        ...rest,
        ...(coreCount === undefined ? {} : { coreCount }),
        ...(memoryMib === undefined ? {} : { memoryMib }),
        ...(balloonMib === undefined ? {} : { balloonMib }),
        ...(replaceSshPublicKeys ? { sshPublicKeys: replaceSshPublicKeys.keys } : {}),
      };
    }
    case "resizeDisk":
      return { type: "resize-disk", ...check(schemas.resizeDisk, command.value) };
    case "startVm":
      return { type: "start-vm", ...check(schemas.plain, command.value) };
    case "stopVm":
      return { type: "stop-vm", ...check(schemas.stopVm, command.value) };
    case "shutdownVm":
      return {
        type: "shutdown-vm",
        ...check(schemas.shutdownVm, { ...command.value, timeoutS: seconds(command.value) }),
      };
    case "rebootVm":
      return { type: "reboot-vm", ...check(schemas.rebootVm, { ...command.value, timeoutS: seconds(command.value) }) };
    case "resetVm":
      return { type: "reset-vm", ...check(schemas.plain, command.value) };
    case "suspendVm":
      return { type: "suspend-vm", ...check(schemas.plain, command.value) };
    case "resumeVm":
      return { type: "resume-vm", ...check(schemas.plain, command.value) };
    case "migrateVm":
      return { type: "migrate-vm", ...check(schemas.migrateVm, command.value) };
    case "destroyVm":
      return { type: "destroy-vm", ...check(schemas.destroyVm, command.value) };
    case undefined:
      throw new AgentError("invalid", "COMMAND_MISSING", "the request names no command that this agent knows");
    default:
      throw new Error(`unknown command ${JSON.stringify(command satisfies never)}`);
  }
}

const seconds = ({ timeout }: { timeout?: Duration | undefined }) =>
  timeout ? Math.round(durationMs(timeout) / 1000) : 60;

function check<S extends z.ZodType>(schema: S, value: object): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.path.join(".") ?? "";
  throw new AgentError("invalid", "COMMAND_INVALID", `${field}: ${issue?.message ?? "invalid"}`, { field });
}
