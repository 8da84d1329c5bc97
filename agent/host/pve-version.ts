import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

/** The version of the package pve-manager, from dpkg's status file. Empty when it is not installed. */
export async function readPveVersion(dpkgStatus: string): Promise<string> {
  const input = createReadStream(dpkgStatus).on("error", () => {}); // the loop below sees the end
  let inside = false;
  try {
    for await (const line of createInterface({ input })) {
      if (line.startsWith("Package: ")) inside = line === "Package: pve-manager";
      if (inside && line.startsWith("Version: ")) return line.slice("Version: ".length);
    }
  } catch {
    return ""; // no dpkg here
  } finally {
    input.destroy();
  }
  return "";
}
