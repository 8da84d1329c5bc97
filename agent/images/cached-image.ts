/** A verified image file in the cache. */
export interface CachedImage {
  /** The coordinator's name for it, such as `ubuntu-24.04-amd64`. */
  readonly imageId: string;
  readonly url: string;
  readonly sizeBytes: number;
  readonly checksumAlgorithm: ChecksumAlgorithm;
  /** Lower-case hexadecimal. */
  readonly checksum: string;
  readonly verifyTime: Date;
}

/** The algorithms that the publishers of cloud images use. */
export type ChecksumAlgorithm = "sha256" | "sha512";
