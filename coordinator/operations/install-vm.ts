import type { InstallInput } from "../domain/install.ts";
import type { OperationDeps } from "./deps.ts";
import { pipeline } from "./engine/pipeline.ts";
import { checkStorage } from "./steps/check-storage.ts";
import { configureVm } from "./steps/configure-vm.ts";
import { createInstallKey } from "./steps/create-install-key.ts";
import { createVm } from "./steps/create-vm.ts";
import { handOverVm } from "./steps/hand-over-vm.ts";
import { leaseVmid } from "./steps/lease-vmid.ts";
import { placeVmStep } from "./steps/place-vm.ts";
import { pullImage } from "./steps/pull-image.ts";
import { rebootInstalledVm } from "./steps/reboot-installed-vm.ts";
import { reportAddress } from "./steps/report-address.ts";
import { reportCoresAndMemory, reportDiskSize } from "./steps/report-sizes.ts";
import { resolveImage } from "./steps/resolve-image.ts";
import { runInitScript } from "./steps/run-init-script.ts";
import { setDefaults } from "./steps/set-defaults.ts";
import { startVm } from "./steps/start-vm.ts";
import { waitForGuest } from "./steps/wait-for-guest.ts";

/**
 * Installs a VM from an image. Read top to bottom; undone bottom to top. The second column is what clients see: the
 * phases of go-pve-qemu, in its order. Two steps go through two phases each: pull-image goes on to "downloading OS
 * image", create-vm to "importing disk image".
 */
export const installVm = pipeline<OperationDeps, InstallInput>("install-vm", "VM installation")
  .step("lease-vmid", "preparation > checking VMID", leaseVmid)
  .step("report-address", "preparation > assigning IP", reportAddress)
  .step("report-cores-and-memory", "preparation > validating CPU and RAM", reportCoresAndMemory)
  .step("report-disk-size", "preparation > validating disk size", reportDiskSize)
  .step("set-defaults", "preparation > setting default config values", setDefaults)
  .step("check-storage", "preparation > checking storage pool", checkStorage)
  .step("resolve-image", "OS preparation > getting OS image", resolveImage)
  .step("pull-image", "OS preparation > validating OS image URL", pullImage)
  .step("create-install-key", "SSH preparation > checking SSH key", createInstallKey)
  .step("create-vm", "VM creation > creating VM", createVm)
  .step("configure-vm", "VM initialization > initializing configuration", configureVm)
  .step("place-vm", "VM initialization > migrating VM", placeVmStep)
  .step("start-vm", "VM initialization > waiting for ready", startVm)
  .step("wait-for-guest", "VM initialization > waiting for ready", waitForGuest)
  .step("run-init-script", "VM initialization > SSH initialization", runInitScript)
  .step("reboot-installed-vm", "VM initialization > rebooting VM", rebootInstalledVm)
  .step("hand-over-vm", "VM initialization > finalizing", handOverVm);
