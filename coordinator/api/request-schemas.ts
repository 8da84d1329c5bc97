import { z } from "zod";

/*
 * One schema for each request message: what is accepted whatever the state of the world. What depends on the
 * configuration (ranges of VMIDs, limits) is checked where the operation is admitted. The limits also stand in the
 * comments of the contract. `allowed` is what an error tells the caller.
 */

/** A field that tells in an error what it accepts. */
function field<T extends z.ZodType>(schema: T, allowed: string): T {
  return schema.meta({ allowed });
}

const gib = 2n ** 30n;
const mib = 2n ** 20n;
const maxDiskBytes = 128n * 1024n * gib;
const dnsLabel = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
const storageId = /^[a-zA-Z][a-zA-Z0-9._-]{0,98}[a-zA-Z0-9]$/;
const word = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/;

const cluster = field(z.string().max(100), "the name of a cluster, or empty");
const vmid = field(z.int().min(100).max(999_999_999), "100 to 999999999");
const vmidOrNone = field(z.union([z.literal(0), vmid]), "100 to 999999999, or 0");
const requestId = field(z.union([z.literal(""), z.guid()]), "a UUID, or empty");
const pageSize = field(z.int().min(0).max(1000), "1 to 1000, or 0 for the default");
const pageToken = field(
  z
    .string()
    .max(500)
    .regex(/^[\w-]*$/),
  "the next_page_token of the page before, or empty",
);
const nodeName = field(z.string().regex(new RegExp(`^${dnsLabel}$`)), "the name of a node");
const nodeOrEmpty = field(z.string().regex(new RegExp(`^(?:${dnsLabel})?$`)), "the name of a node, or empty");
const boolean = z.boolean();
const operationId = field(z.guid(), "a UUID");
const os = field(z.string().regex(/^[a-z][a-z0-9]{0,29}$/), "an operating system of the catalogue, for example ubuntu");
const version = field(z.string().regex(/^[0-9][0-9a-z.]{0,29}$/), "a version of the catalogue, for example 24.04");
const image = field(z.object({ os, version }), "os and version of an image, for example ubuntu and 24.04");
const coreCount = field(z.int().min(1).max(32), "1 to 32");
const memoryMib = field(z.int().min(512).max(4_178_944), "512 to 4178944 (MiB)");
const wholeMib = (value: bigint) => value % mib === 0n;
const timeout = field(
  z
    .object({ seconds: z.bigint(), nanos: z.int() })
    .refine(({ seconds, nanos }) => seconds >= 1n && seconds <= 3600n && (seconds < 3600n || nanos === 0))
    .optional(),
  "1 to 3600 s",
);
/** Type, base64 body and an optional comment, on one line. */
const sshPublicKey = field(
  z
    .string()
    .max(16_384)
    .regex(
      /^(?:ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) [A-Za-z0-9+/]+={0,3}(?: [^\r\n]*)?$/,
    ),
  "a public key in OpenSSH format on one line, for example ssh-ed25519 AAAA… me@laptop",
);

const vmOnly = { cluster, vmid, requestId };
const unary = { noWait: boolean };

/** The schemas by the name of the message. */
export const requestSchemas = {
  "qmesh.v1.InstallVmRequest": z.object({
    cluster,
    vmid: vmidOrNone,
    name: field(
      z
        .string()
        .max(253)
        .regex(new RegExp(`^(?:${dnsLabel}(?:\\.${dnsLabel})*)?$`)),
      "a DNS name: letters, digits and dashes, at most 63 a label and 253 in all; or empty",
    ),
    node: field(
      z.string().regex(new RegExp(`^(?:${dnsLabel})?$`)),
      "the name of a node, auto, or empty for the main node",
    ),
    source: field(z.object({ case: z.literal("image"), value: image }), "an image: os and version"),
    coreCount: field(z.int().min(0).max(512), "1 to 512, brought below VM_MAX_CPU; or 0 for 2"),
    memoryMib: field(z.int().min(0).max(4_178_944), "512 to 4178944 (MiB), brought below VM_MAX_RAM; or 0 for 2048"),
    diskSizeBytes: field(
      z.bigint().min(0n).max(maxDiskBytes).refine(wholeMib),
      "a whole number of MiB, 16 GiB to 128 TiB, brought below VM_MAX_DISK; or 0 for 16 GiB",
    ),
    user: field(
      z
        .string()
        .regex(/^(?:[a-z_][a-z0-9_-]{0,31})?$/)
        .refine((name) => name !== "root"),
      "1 to 32 of a-z, 0-9, _ and -, beginning with a letter or _, not root; or empty for the image's user",
    ),
    password: field(
      z.string().regex(/^(?:[!-~]{5,128})?$/),
      "5 to 128 printable ASCII characters without spaces, or empty",
    ),
    sshPublicKeys: field(z.array(sshPublicKey).max(32), "at most 32 public keys in OpenSSH format"),
    storage: field(z.union([z.literal(""), z.string().regex(storageId)]), "the name of a storage, or empty"),
    bridge: field(
      z.union([z.literal(""), z.string().regex(word)]),
      "the name of a bridge, for example vmbr0, or empty",
    ),
    requestId,
    validateOnly: boolean,
  }),
  "qmesh.v1.GetVmRequest": z.object({ cluster, vmid }),
  "qmesh.v1.ListVmsRequest": z.object({
    cluster,
    pageSize,
    pageToken,
    node: nodeOrEmpty,
    state: field(z.int().min(0).max(4), "a GuestState"),
    name: field(z.string().max(253), "at most 253 characters"),
    tag: field(z.string().max(128), "at most 128 characters"),
  }),
  "qmesh.v1.UpdateVmRequest": z
    .object({ ...vmOnly, ...unary, coreCount: coreCount.optional(), memoryMib: memoryMib.optional() })
    .refine(({ coreCount: cores, memoryMib: memory }) => cores !== undefined || memory !== undefined, {
      path: ["coreCount"],
      message: "coreCount or memoryMib has to be set",
    }),
  "qmesh.v1.GrowVmDiskRequest": z.object({
    ...vmOnly,
    ...unary,
    slot: field(
      z.string().regex(/^(?:(?:ide|sata|scsi|virtio)\d{1,2})?$/),
      "a disk such as scsi0, or empty for the boot disk",
    ),
    size: field(
      z.discriminatedUnion("case", [
        z.object({
          case: z.literal("growByBytes"),
          value: field(
            z.bigint().min(1n).max(maxDiskBytes).refine(wholeMib),
            "a whole number of MiB above 0, at most 128 TiB",
          ),
        }),
        z.object({
          case: z.literal("sizeBytes"),
          value: field(
            z.bigint().min(1n).max(maxDiskBytes).refine(wholeMib),
            "a whole number of MiB above 0, at most 128 TiB",
          ),
        }),
      ]),
      "growByBytes or sizeBytes",
    ),
  }),
  "qmesh.v1.MigrateVmRequest": z.object({ ...vmOnly, targetNode: field(nodeName, "the name of a node, or auto") }),
  "qmesh.v1.DestroyVmRequest": z.object({ ...vmOnly, ...unary }),
  "qmesh.v1.StartVmRequest": z.object(vmOnly),
  "qmesh.v1.StopVmRequest": z.object({ ...vmOnly, ...unary }),
  "qmesh.v1.ShutdownVmRequest": z.object({ ...vmOnly, ...unary, timeout, force: boolean }),
  "qmesh.v1.RebootVmRequest": z.object({ ...vmOnly, timeout }),
  "qmesh.v1.ResetVmRequest": z.object({ ...vmOnly, ...unary }),
  "qmesh.v1.SuspendVmRequest": z.object({ ...vmOnly, ...unary }),
  "qmesh.v1.ResumeVmRequest": z.object({ ...vmOnly, ...unary }),
  "qmesh.v1.GetOperationRequest": z.object({ operationId }),
  "qmesh.v1.ListOperationsRequest": z.object({
    cluster,
    pageSize,
    pageToken,
    state: field(z.int().min(0).max(7), "an OperationState"),
    vmid: vmidOrNone,
    kind: field(z.string().regex(/^[a-z-]{0,50}$/), "the kind of an operation, for example install-vm, or empty"),
  }),
  "qmesh.v1.WatchOperationRequest": z.object({
    operationId,
    afterSequence: field(z.bigint().min(0n).max(BigInt(Number.MAX_SAFE_INTEGER)), "0 or more"),
  }),
  "qmesh.v1.CancelOperationRequest": z.object({ operationId }),
  "qmesh.v1.ListNodesRequest": z.object({ cluster, pageSize, pageToken, name: nodeOrEmpty }),
  "qmesh.v1.WatchNodesRequest": z.object({ cluster }),
  "qmesh.v1.GetCpuBaselineRequest": z.object({ cluster }),
  "qmesh.v1.ListImagesRequest": z.object({
    cluster,
    pageSize,
    pageToken,
    os: field(z.union([z.literal(""), os]), "an operating system, or empty"),
  }),
  "qmesh.v1.PullImageRequest": z.object({ cluster, image, node: nodeName, refresh: boolean, requestId }),
  "qmesh.v1.DeleteImageRequest": z.object({ cluster, image, node: nodeName, requestId, noWait: boolean }),
} satisfies Readonly<Record<string, z.ZodType>>;

/** Fields whose values are never shown in an error. */
export const secretFields: ReadonlySet<string> = new Set(["password"]);
