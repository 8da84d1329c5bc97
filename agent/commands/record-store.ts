import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../logger.ts";
import type { CommandRecord } from "./record.ts";

/** Records older than this are forgotten at the next start, and once a day. */
const keepMs = 14 * 24 * 3600 * 1000;

/** The commands that this agent ran, one JSON file each. A record is on disk before its command runs. */
export class RecordStore {
  readonly #folder: string;
  readonly #log: Logger;

  constructor(folder: string, log: Logger) {
    this.#folder = folder;
    this.#log = log;
  }

  /** Reads every record. One that cannot be read is set aside, so that it does not keep the agent from starting. */
  async load(): Promise<readonly CommandRecord[]> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const names = (await readdir(this.#folder)).filter((name) => name.endsWith(".json"));
    const records = await Promise.all(
      names.map(async (name) => {
        try {
          return JSON.parse(await readFile(join(this.#folder, name), "utf8")) as CommandRecord;
        } catch (error) {
          this.#log.error({ err: error, file: name }, "a command record cannot be read; it is set aside");
          await rename(join(this.#folder, name), join(this.#folder, `${name}.unreadable`));
          return undefined;
        }
      }),
    );
    return records.filter((record) => record !== undefined);
  }

  /** Writes a record so that it survives a power cut. */
  async save(record: CommandRecord): Promise<void> {
    const path = join(this.#folder, `${record.commandId}.json`);
    const temporary = `${path}.tmp`;
    const file = await open(temporary, "w", 0o600);
    try {
      await file.writeFile(JSON.stringify(record));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  }

  async remove(commandId: string): Promise<void> {
    await rm(join(this.#folder, `${commandId}.json`), { force: true });
  }

  /** Whether a record is old enough to be forgotten. */
  isExpired({ outcome }: CommandRecord, now: Date): boolean {
    return outcome !== undefined && now.getTime() - new Date(outcome.endTime).getTime() > keepMs;
  }
}
