import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { Kysely } from "kysely";
import { Migrator } from "kysely/migration";
import type { Store } from "../ports/store.ts";
import { KyselyStore } from "./kysely-store.ts";
import { nodeSqliteDialect } from "./node-sqlite-dialect.ts";
import { migrationProvider, type StoreTables } from "./store-schema.ts";

/** Opens the embedded store, makes it if it is not there, and brings it up to date. */
export async function openSqliteStore(path: string): Promise<Store> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const db = new Kysely<StoreTables>({ dialect: nodeSqliteDialect(path) });
  const { error } = await new Migrator({ db, provider: migrationProvider }).migrateToLatest();
  if (error !== undefined) throw new Error(`the store ${path} could not be brought up to date`, { cause: error });
  return new KyselyStore(db);
}
