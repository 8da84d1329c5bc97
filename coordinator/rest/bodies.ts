import { create } from "@bufbuild/protobuf";
import { z } from "zod";
import { type InstallVmRequest, InstallVmRequestSchema } from "../../gen/qmesh/v1/vm_service_pb.js";
import { invalidFields } from "../api/validation.ts";

/*
 * The bodies of the REST routes, with the names and forms that go-pve-qemu documents. They only become messages of the
 * contract here; the contract's own schemas then check the values, for REST as for everybody else.
 */

const unitBytes: Readonly<Record<string, bigint>> = { M: 2n ** 20n, G: 2n ** 30n, T: 2n ** 40n };
const diskAllowed = "a whole number with M, G or T, for example 20G";

const text = z.string();
const integer = z
  .int()
  .min(-(2 ** 31))
  .max(2 ** 31 - 1);
const disk = z.string().regex(/^\d{1,9}[MGTmgt]$/);

const types: Readonly<Record<string, string>> = {
  os: "a text, for example ubuntu",
  version: 'a text, for example "22.04"',
  name: "a text",
  id: "a whole number",
  node: "a text",
  cpu: "a whole number",
  ram: "a whole number (MB)",
  memory: "a whole number (MB)",
  disk: diskAllowed,
  user: "a text",
  passwd: "a text",
  pubkey: "a text",
};

const InstallBody = z.strictObject({
  os: text,
  version: text,
  name: text.optional(),
  id: integer.optional(),
  node: text.optional(),
  cpu: integer.optional(),
  ram: integer.optional(),
  disk: z.union([z.literal(""), disk]).optional(),
  user: text.optional(),
  passwd: text.optional(),
  pubkey: text.optional(),
});
const CpuBody = z.strictObject({ cpu: integer });
const MemoryBody = z.strictObject({ memory: integer });
const DiskBody = z.strictObject({ disk });
const NodeBody = z.strictObject({ node: text });

/** The names of the contract's fields on the install route. */
export const installNames: ReadonlyMap<string, string> = new Map([
  ["vmid", "id"],
  ["image.os", "os"],
  ["image.version", "version"],
  ["coreCount", "cpu"],
  ["memoryMib", "ram"],
  ["diskSizeBytes", "disk"],
  ["password", "passwd"],
  ["sshPublicKeys", "pubkey"],
]);

/** The names of the contract's fields on the `set` routes. */
export const changeNames: ReadonlyMap<string, string> = new Map([
  ["vmid", "id"],
  ["coreCount", "cpu"],
  ["memoryMib", "memory"],
  ["growByBytes", "disk"],
  ["targetNode", "node"],
]);

export function parseInstall(body: unknown, requestId: string): InstallVmRequest {
  const { os, version, pubkey = "", ...rest } = parse(InstallBody, body);
  return create(InstallVmRequestSchema, {
    vmid: rest.id ?? 0,
    name: rest.name ?? "",
    node: rest.node ?? "",
    source: { case: "image", value: { os, version } },
    coreCount: rest.cpu ?? 0,
    memoryMib: rest.ram ?? 0,
    diskSizeBytes: parseDisk(rest.disk ?? ""),
    user: rest.user ?? "",
    password: rest.passwd ?? "",
    sshPublicKeys: pubkey.split(/\r?\n/).filter((line) => line.trim() !== ""),
    requestId,
  });
}

export const parseCpu = (body: unknown): number => parse(CpuBody, body).cpu;
export const parseMemory = (body: unknown): number => parse(MemoryBody, body).memory;
export const parseGrowth = (body: unknown): bigint => parseDisk(parse(DiskBody, body).disk);
export const parseNode = (body: unknown): string => parse(NodeBody, body).node;

/** `20G` in bytes; 0 for nothing. */
function parseDisk(size: string): bigint {
  const [, number = "0", unit = "G"] = /^(\d+)([MGT])$/.exec(size.toUpperCase()) ?? [];
  return BigInt(number) * (unitBytes[unit] ?? 0n);
}

function parse<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const result = schema.safeParse(body ?? {});
  if (result.success) return result.data;
  throw invalidFields(
    result.error.issues.flatMap((issue) => {
      if (issue.code === "unrecognized_keys") {
        const known = schema instanceof z.ZodObject ? Object.keys(schema.shape).join(", ") : "none";
        return issue.keys.map((key) => ({
          field: key.slice(0, 100),
          value: "",
          allowed: `no such field; there are: ${known}`,
          description: "the field is unknown",
        }));
      }
      const field = String(issue.path[0] ?? "body");
      const value = field === "passwd" ? "" : show(body, field);
      const allowed = types[field] ?? "a JSON object";
      return { field, value, allowed, description: `${field} is missing or does not have an accepted form` };
    }),
  );
}

function show(body: unknown, field: string): string {
  if (typeof body !== "object" || body === null) return "";
  const value: unknown = (body as Readonly<Record<string, unknown>>)[field];
  return (typeof value === "string" ? value : (JSON.stringify(value) ?? "")).slice(0, 100);
}
