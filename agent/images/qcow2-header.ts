import { open } from "node:fs/promises";
import { AgentError } from "../errors.ts";

const externalDataFile = 4n;

/**
 * Reads a qcow2's virtual size in bytes, and refuses what must not be imported: `qm` takes any file as raw (FACTS a),
 * and a backing or data file named in an image could be any file of the node.
 */
export async function readQcow2Size(path: string): Promise<number> {
  const header = Buffer.alloc(104);
  const file = await open(path, "r");
  try {
    await file.read(header, 0, header.length, 0);
  } finally {
    await file.close();
  }
  const refuse = (why: string) => new AgentError("conflict", "IMAGE_NOT_USABLE", `the image ${why}`, { why });
  if (header.toString("latin1", 0, 4) !== "QFI\u00fb") throw refuse("is not in qcow2 format");
  const version = header.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw refuse(`has qcow2 version ${version}`);
  if (header.readBigUInt64BE(8) !== 0n) throw refuse("names a backing file");
  if (version === 3 && (header.readBigUInt64BE(72) & externalDataFile) !== 0n) throw refuse("names a data file");
  return Number(header.readBigUInt64BE(24));
}
