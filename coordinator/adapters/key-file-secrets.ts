import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { DomainError } from "../domain/errors.ts";
import type { Secrets } from "../ports/secrets.ts";

const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;

/** Reads the key from a file that only the coordinator can read, or makes one at the first start. */
export async function readSecretKey(path: string): Promise<Buffer> {
  const fresh = randomBytes(keyBytes);
  await writeFile(path, fresh, { flag: "wx", mode: 0o600, flush: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  const key = await readFile(path);
  if (key.length !== keyBytes) throw new Error(`${path} does not hold a key of ${keyBytes} bytes`);
  return key;
}

/** Seals with AES-256-GCM under the key of a file. */
export function keyFileSecrets(key: Buffer): Secrets {
  return {
    seal: (text) => {
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv("aes-256-gcm", key, iv);
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return { sealed: Buffer.concat([iv, cipher.getAuthTag(), body]).toString("base64") };
    },
    open: ({ sealed }) => {
      const bytes = Buffer.from(sealed, "base64");
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, ivBytes));
      decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
      try {
        return decipher.update(bytes.subarray(ivBytes + tagBytes)).toString("utf8") + decipher.final("utf8");
      } catch (error) {
        throw new DomainError(
          "internal",
          "SECRET_UNREADABLE",
          "a secret in the journal was sealed with another key",
          {},
          { cause: error },
        );
      }
    },
    fingerprint: (text) => createHmac("sha256", key).update(text).digest("base64url").slice(0, 22),
  };
}
