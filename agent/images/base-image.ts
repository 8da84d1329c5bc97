import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, copyFile, rename, rm } from "node:fs/promises";
import { promisify } from "node:util";
import { AgentError } from "../errors.ts";

const execFileAsync = promisify(execFile);

/**
 * Makes a copy of a verified image whose virtual size is `sizeBytes`, once: imported disks come out with the size of
 * their source, so a default install needs no resize (FACTS 1.3). The original stays as it was verified.
 */
export async function makeBaseImage(original: string, target: string, sizeBytes: number, path: string): Promise<void> {
  const exists = await access(target).then(
    () => true,
    () => false,
  );
  if (exists) return;
  const temporary = `${target}.tmp`;
  try {
    await copyFile(original, temporary, constants.COPYFILE_FICLONE);
    await execFileAsync("qemu-img", ["resize", "-f", "qcow2", temporary, String(sizeBytes)], {
      env: { PATH: path, LC_ALL: "C" },
      timeout: 120_000,
    });
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    const full = error instanceof Error && /ENOSPC|No space left on device/.test(error.message);
    throw full
      ? new AgentError(
          "no-capacity",
          "IMAGE_DISK_FULL",
          `no room for a copy of the image in ${target}`,
          { path: target },
          { cause: error },
        )
      : new AgentError(
          "internal",
          "IMAGE_NOT_GROWN",
          "the image could not be grown",
          { path: target },
          { cause: error },
        );
  }
}
