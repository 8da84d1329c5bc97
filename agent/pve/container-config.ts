import { parseConfigFile } from "./config-file.ts";
import { parseDiskSize } from "./disk-size.ts";
import type { GuestConfig } from "./guest.ts";
import { parsePropertyString } from "./property-string.ts";

/** Reads the `.conf` of a container. Its addresses stand in `netN`, not in `ipconfigN`. */
export function parseContainerConfig(text: string): GuestConfig {
  const { current, pending, pendingDeletes } = parseConfigFile(text);
  const get = (key: string) => current.get(key) ?? "";
  return {
    name: get("hostname"),
    coreCount: Number(get("cores")) || 1,
    memoryMib: Number(get("memory")) || 512,
    cpuType: "",
    tags: get("tags")
      .split(/[;, ]+/)
      .filter((tag) => tag !== ""),
    template: get("template") === "1",
    lock: get("lock"),
    smbiosUuid: "",
    disks: [...current]
      .filter(([key]) => /^(?:rootfs|mp\d+)$/.test(key))
      .map(([slot, value]) => {
        const properties = parsePropertyString(value, "volume");
        return {
          slot,
          volumeId: properties.get("volume") ?? "",
          sizeBytes: parseDiskSize(properties.get("size") ?? ""),
          boot: slot === "rootfs",
          cdrom: false,
        };
      }),
    nics: [...current]
      .filter(([key]) => /^net\d+$/.test(key))
      .map(([slot, value]) => {
        const properties = parsePropertyString(value, "name");
        return {
          slot,
          model: properties.get("type") ?? "veth",
          macAddress: (properties.get("hwaddr") ?? "").toUpperCase(),
          bridge: properties.get("bridge") ?? "",
          vlanTag: Number(properties.get("tag") ?? 0),
          addresses: [properties.get("ip"), properties.get("ip6")].filter(
            (address): address is string => address?.includes("/") === true,
          ),
          gateway: properties.get("gw") ?? "",
        };
      }),
    pendingOptions: [...pending.keys(), ...pendingDeletes].toSorted(),
    cloudInitUser: "",
    sshPublicKeys: [],
  };
}
