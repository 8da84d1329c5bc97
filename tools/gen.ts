/* Generates gen/ from proto/: the code, and the contract with its comments for /openapi.json. */
import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";

const bin = join(import.meta.dirname, "../node_modules/.bin");
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}` };

function buf(...args: readonly string[]): void {
  const { status } = spawnSync(join(bin, "buf"), args, { stdio: "inherit", env });
  if (status !== 0) process.exit(status ?? 1);
}

buf("generate");
buf("build", "proto", "--path", "proto/qmesh/v1", "-o", "gen/contract.binpb");
