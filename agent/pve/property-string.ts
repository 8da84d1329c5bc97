/**
 * Reads Proxmox's property strings, such as `virtio=BC:24:11:00:00:01,bridge=vmbr0`. A part without a key, such as the
 * volume of a disk, gets the key that the caller names for it.
 */
export function parsePropertyString(text: string, defaultKey: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>();
  for (const part of text.split(",")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    if (equals < 0) properties.set(defaultKey, part);
    else properties.set(part.slice(0, equals), part.slice(equals + 1));
  }
  return properties;
}
