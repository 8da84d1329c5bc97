import { z } from "zod";
import builtIn from "./image-catalogue.json" with { type: "json" };

const httpUrl = z.url({ protocol: /^https?$/ });

const Entry = z.strictObject({
  os: z.string().regex(/^[a-z][a-z0-9]{0,29}$/, "a lower-case word"),
  version: z.string().regex(/^[0-9][0-9a-z.]{0,29}$/, "a version such as 24.04"),
  arch: z.enum(["amd64"]).default("amd64"),
  url: httpUrl,
  checksumUrl: httpUrl,
  checksumAlgorithm: z.enum(["sha256", "sha512"]),
  defaultUser: z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/, "a user name"),
  endOfLife: z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, "a month such as 2029-04"),
});

/** One image of the catalogue. */
export interface CatalogueImage extends Readonly<z.infer<typeof Entry>> {
  /** The name by which agents keep it, such as `ubuntu-24.04-amd64`. */
  readonly imageId: string;
}

/** A base URL that takes the place of a publisher's, by operating system. */
export type Mirrors = Readonly<Record<string, string>>;

/** The images that can be installed, by os and version. */
export class ImageCatalogue {
  readonly images: readonly CatalogueImage[];

  /** `extra` is the JSON of an operator's file: its entries are added, or replace those of the same os and version. */
  constructor(mirrors: Mirrors = {}, extra: unknown = []) {
    const entries = [...z.array(Entry).parse(builtIn), ...z.array(Entry).parse(extra)];
    const byId = new Map(entries.map((entry) => [`${entry.os}-${entry.version}-${entry.arch}`, entry]));
    this.images = [...byId]
      .map(([imageId, entry]) => {
        const mirror = mirrors[entry.os];
        return {
          ...entry,
          imageId,
          url: viaMirror(entry.url, mirror),
          checksumUrl: viaMirror(entry.checksumUrl, mirror),
        };
      })
      .toSorted((a, b) => a.os.localeCompare(b.os) || compareVersions(a.version, b.version));
  }

  find(os: string, version: string): CatalogueImage | undefined {
    return this.images.find((image) => image.os === os && image.version === version);
  }

  /** The operating systems, each once. */
  systems(): readonly string[] {
    return [...new Set(this.images.map(({ os }) => os))];
  }

  versionsOf(os: string): readonly string[] {
    return this.images.filter((image) => image.os === os).map(({ version }) => version);
  }
}

/** Whether the publisher's support is over. The month itself still counts as supported. */
export function isPastEndOfLife({ endOfLife }: CatalogueImage, now: Date): boolean {
  return now.toISOString().slice(0, 7) > endOfLife;
}

/** A mirror takes the place of scheme, host and port; the path stays. */
function viaMirror(url: string, mirror: string | undefined): string {
  if (mirror === undefined) return url;
  const { pathname } = new URL(url);
  return `${mirror.replace(/\/+$/, "")}${pathname}`;
}

const compareVersions = (a: string, b: string) => a.localeCompare(b, "en", { numeric: true });
