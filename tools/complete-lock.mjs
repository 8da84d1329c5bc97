#!/usr/bin/env node
// Completes package-lock.json: adds the optional packages of other platforms that npm left out
// (it does so where a registry mirror lacks them), so that `npm ci` accepts the file on every platform.
// Run in the project's root after any `npm install` that changed the lock. Safe to run twice.
import { readFileSync, writeFileSync } from "node:fs";

const FILE = "package-lock.json";
const OS = ["win32", "darwin", "android", "freebsd", "openbsd", "netbsd", "sunos", "aix", "openharmony", "linux"];
const CPU = [
  ["arm64", /arm64|aarch64/],
  ["arm", /armv?7|[-_]arm(-|$)|arm-eabi|armhf/],
  ["riscv64", /riscv64/],
  ["ppc64", /ppc64/],
  ["s390x", /s390x/],
  ["ia32", /ia32|386/],
  ["loong64", /loong64/],
  ["wasm32", /wasm32/],
  ["x64", /x64|amd64/],
];

const lock = JSON.parse(readFileSync(FILE, "utf8"));
const packages = lock.packages;

/** Whether `name` resolves from the package at lock path `from`, as Node resolves it. */
function resolves(from, name) {
  for (let path = from; ; ) {
    if (packages[`${path ? `${path}/` : ""}node_modules/${name}`]) return true;
    if (!path) return false;
    const up = path.lastIndexOf("/node_modules/");
    path = up >= 0 ? path.slice(0, up) : "";
  }
}

let added = 0;
for (const [path, entry] of Object.entries({ ...packages })) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    if (resolves(path, name)) continue;
    const os = OS.find((o) => name.includes(o)) ?? (name.includes("windows") ? "win32" : undefined);
    const cpu = CPU.find(([, pattern]) => pattern.test(name))?.[0];
    packages[`node_modules/${name}`] ??= {
      version: range.replace(/^[\^~]/, ""),
      optional: true,
      ...(entry.dev ? { dev: true } : {}),
      ...(os ? { os: [os] } : {}),
      ...(cpu ? { cpu: [cpu] } : {}),
      ...(name.includes("musl") ? { libc: ["musl"] } : {}),
    };
    added++;
  }
}
lock.packages = Object.fromEntries(Object.entries(packages).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${FILE}: ${added} entries added`);
