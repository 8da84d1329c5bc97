import { parseConfigFile } from "./config-file.ts";
import { parseDiskSize } from "./disk-size.ts";
import type { GuestConfig, GuestDisk, GuestNic } from "./guest.ts";
import { parsePropertyString } from "./property-string.ts";

const diskSlot = /^(?:ide[0-3]|sata[0-5]|scsi(?:[12]?\d|30)|virtio(?:\d|1[0-5])|efidisk0|tpmstate0)$/;
const nicSlot = /^net(\d+)$/;
const nicFlags = new Set([
  "bridge",
  "firewall",
  "link_down",
  "mtu",
  "queues",
  "rate",
  "tag",
  "trunks",
  "model",
  "macaddr",
]);

/** Reads the `.conf` of a VM. Defaults are Proxmox's: 1 core, 512 MiB. */
export function parseVmConfig(text: string): GuestConfig {
  const { current, pending, pendingDeletes } = parseConfigFile(text);
  const get = (key: string) => current.get(key) ?? "";
  return {
    name: get("name"),
    coreCount: (Number(get("cores")) || 1) * (Number(get("sockets")) || 1),
    memoryMib: Number(parsePropertyString(get("memory"), "current").get("current") ?? 512),
    cpuType: parsePropertyString(get("cpu"), "cputype").get("cputype") ?? "",
    tags: get("tags")
      .split(/[;, ]+/)
      .filter((tag) => tag !== ""),
    template: get("template") === "1",
    lock: get("lock"),
    smbiosUuid: (parsePropertyString(get("smbios1"), "uuid").get("uuid") ?? "").toLowerCase(),
    disks: parseDisks(current),
    nics: parseNics(current),
    pendingOptions: [...pending.keys(), ...pendingDeletes].toSorted(),
    cloudInitUser: get("ciuser").trim(),
    sshPublicKeys: parseSshKeys(get("sshkeys")),
  };
}

/** Keys are stored URL-encoded, one a line (FACTS d). A value that is not is left out, as Proxmox does. */
function parseSshKeys(text: string): readonly string[] {
  try {
    return decodeURIComponent(text)
      .split("\n")
      .filter((line) => line.trim() !== "");
  } catch {
    return []; // not URL-encoded
  }
}

function parseDisks(current: ReadonlyMap<string, string>): readonly GuestDisk[] {
  const bootSlot = firstBootSlot(current);
  return [...current]
    .filter(([key]) => diskSlot.test(key))
    .map(([slot, value]) => {
      const properties = parsePropertyString(value, "file");
      return {
        slot,
        volumeId: properties.get("file") ?? "",
        sizeBytes: parseDiskSize(properties.get("size") ?? ""),
        boot: slot === bootSlot,
        cdrom: properties.get("media") === "cdrom",
      };
    });
}

/** The first disk of the boot order; `boot: c` with `bootdisk` is the form of before PVE 6.2. */
function firstBootSlot(current: ReadonlyMap<string, string>): string | undefined {
  const boot = parsePropertyString(current.get("boot") ?? "", "legacy");
  const order = boot.get("order")?.split(";") ?? [];
  return order.find((slot) => diskSlot.test(slot) && current.has(slot)) ?? current.get("bootdisk");
}

function parseNics(current: ReadonlyMap<string, string>): readonly GuestNic[] {
  return [...current].flatMap(([slot, value]) => {
    const index = nicSlot.exec(slot)?.[1];
    if (index === undefined) return [];
    const properties = parsePropertyString(value, "model");
    const hardware = [...properties].find(([key]) => !nicFlags.has(key));
    const ip = parsePropertyString(current.get(`ipconfig${index}`) ?? "", "ip");
    return {
      slot,
      model: hardware?.[0] ?? properties.get("model") ?? "",
      macAddress: (hardware?.[1] ?? properties.get("macaddr") ?? "").toUpperCase(),
      bridge: properties.get("bridge") ?? "",
      vlanTag: Number(properties.get("tag") ?? 0),
      addresses: [ip.get("ip"), ip.get("ip6")].filter((address): address is string => address?.includes("/") === true),
      gateway: ip.get("gw") ?? "",
    };
  });
}
