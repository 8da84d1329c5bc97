import { access, readdir } from "node:fs/promises";
import { join } from "node:path";

/** The node's network bridges, sorted: interfaces that have a `bridge` folder in sysfs. */
export async function readBridges(netClass: string): Promise<readonly string[]> {
  const interfaces = await readdir(netClass).catch(() => []);
  const checked = await Promise.all(
    interfaces.map((name) =>
      access(join(netClass, name, "bridge")).then(
        () => name,
        () => undefined,
      ),
    ),
  );
  return checked.filter((name) => name !== undefined).toSorted();
}
