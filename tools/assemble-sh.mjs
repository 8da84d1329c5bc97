#!/usr/bin/env node
// Assembles the guests' init scripts, sh/<os>_<version>.sh, from the parts in sh/parts. Each script is one file that
// needs no other, because it travels alone: over HTTP, or on the standard input of a shell in the guest.
// Usage: node tools/assemble-sh.mjs [--check]. With --check nothing is written; exit 1 says which files are out of date.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../sh/", import.meta.url));

/** What differs between package managers, and the input that only one of them has. */
const managerOf = { debian: "apt", ubuntu: "apt", rockylinux: "dnf" };
const managerInputs = {
  apt: "#   QMESH_APT_MIRROR          mirror for this script's own installs, as http://mirror.example/debian; default: the system's",
  dnf: "#   QMESH_APT_MIRROR          of no effect here: it is for Debian's family",
};

const systems = [
  "debian_11",
  "debian_12",
  "debian_13",
  "ubuntu_20.04",
  "ubuntu_22.04",
  "ubuntu_24.04",
  "ubuntu_26.04",
  "rockylinux_8",
  "rockylinux_9",
  "rockylinux_10",
];

const part = (name) => readFileSync(`${folder}parts/${name}.sh`, "utf8").trimEnd();

function assemble(system) {
  const family = system.split("_")[0];
  const manager = managerOf[family];
  const facts = part(`system/${system}`);
  const osName = /^os_name='(.*)'$/m.exec(facts)?.[1];
  if (osName === undefined) throw new Error(`sh/parts/system/${system}.sh does not say os_name='…'`);
  const head = part("head")
    .replaceAll("@script@", `${system}.sh`)
    .replaceAll("@os_name@", osName)
    .replaceAll("@manager_inputs@", managerInputs[manager]);
  const facts2 = [head, facts, part(`family/${family}`)].join("\n");
  const functions = ["say", "inputs", "guest", "packages", `manager/${manager}`, "settings", "swap", "ssh", "main"];
  return `${[facts2, ...functions.map(part)].join("\n\n")}\n`;
}

function current(path) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

const check = process.argv.includes("--check");
const stale = systems.filter((system) => current(`${folder}${system}.sh`) !== assemble(system));
if (check) {
  if (stale.length > 0) {
    const files = stale.map((system) => `sh/${system}.sh`).join(", ");
    console.error(`assemble-sh: out of date: ${files}; run node tools/assemble-sh.mjs`);
    process.exitCode = 1;
  }
} else {
  for (const system of stale) writeFileSync(`${folder}${system}.sh`, assemble(system), { mode: 0o755 });
  console.log(`assemble-sh: ${stale.length} of ${systems.length} files written`);
}
