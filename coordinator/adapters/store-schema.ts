import { type ColumnType, type Generated, type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/*
 * The store's tables, in SQL that SQLite and PostgreSQL share. Times are ISO 8601 texts in UTC; JSON is text.
 * Migrations are never changed once released, only added.
 */

/** Rows as kysely knows them. */
export interface StoreTables {
  readonly operations: OperationsTable;
  readonly operation_steps: StepsTable;
  readonly operation_events: EventsTable;
  readonly leases: LeasesTable;
  readonly nodes: NodesTable;
}

interface OperationsTable {
  readonly operation_id: string;
  readonly cluster: string;
  readonly kind: string;
  readonly state: string;
  readonly guest_kind: string;
  readonly vmid: number;
  readonly node: string;
  readonly address: string;
  /** Null when none was given, so that the unique index leaves it alone. */
  readonly request_id: string | null;
  readonly request: string;
  readonly input: string;
  readonly create_time: string;
  readonly end_time: string | null;
  readonly error: string | null;
  readonly cancel_requested: ColumnType<number, number | undefined, number>;
  readonly last_sequence: Generated<number>;
}

interface StepsTable {
  readonly operation_id: string;
  readonly name: string;
  readonly state: string;
  readonly attempts: number;
  readonly start_time: string;
  readonly end_time: string | null;
  readonly gave: string | null;
}

interface EventsTable {
  readonly operation_id: string;
  readonly sequence: number;
  readonly body: string;
}

interface LeasesTable {
  readonly cluster: string;
  readonly vmid: number;
  readonly address: string;
  readonly node: string;
  readonly operation_id: string;
  readonly state: string;
  readonly memory_mib: number;
  readonly disk_size_bytes: number;
}

interface NodesTable {
  readonly node: string;
  readonly facts: string;
  readonly last_seen: string;
}

const migrations: Readonly<Record<string, Migration>> = {
  "0001-operations-leases-nodes": {
    up: async (db: Kysely<unknown>) => {
      await db.schema
        .createTable("operations")
        .addColumn("operation_id", "text", (column) => column.primaryKey())
        .addColumn("cluster", "text", (column) => column.notNull())
        .addColumn("kind", "text", (column) => column.notNull())
        .addColumn("state", "text", (column) => column.notNull())
        .addColumn("guest_kind", "text", (column) => column.notNull())
        .addColumn("vmid", "integer", (column) => column.notNull())
        .addColumn("node", "text", (column) => column.notNull())
        .addColumn("address", "text", (column) => column.notNull())
        .addColumn("request_id", "text")
        .addColumn("request", "text", (column) => column.notNull())
        .addColumn("input", "text", (column) => column.notNull())
        .addColumn("create_time", "text", (column) => column.notNull())
        .addColumn("end_time", "text")
        .addColumn("error", "text")
        .addColumn("cancel_requested", "integer", (column) => column.notNull().defaultTo(0))
        .addColumn("last_sequence", "integer", (column) => column.notNull().defaultTo(0))
        .addUniqueConstraint("operations_request", ["cluster", "request_id"])
        .execute();
      await db.schema.createIndex("operations_state").on("operations").columns(["state"]).execute();
      await db.schema.createIndex("operations_newest").on("operations").columns(["cluster", "create_time"]).execute();
      await db.schema
        .createTable("operation_steps")
        .addColumn("operation_id", "text", (column) => column.notNull().references("operations.operation_id"))
        .addColumn("name", "text", (column) => column.notNull())
        .addColumn("state", "text", (column) => column.notNull())
        .addColumn("attempts", "integer", (column) => column.notNull())
        .addColumn("start_time", "text", (column) => column.notNull())
        .addColumn("end_time", "text")
        .addColumn("gave", "text")
        .addPrimaryKeyConstraint("operation_steps_key", ["operation_id", "name"])
        .execute();
      await db.schema
        .createTable("operation_events")
        .addColumn("operation_id", "text", (column) => column.notNull().references("operations.operation_id"))
        .addColumn("sequence", "integer", (column) => column.notNull())
        .addColumn("body", "text", (column) => column.notNull())
        .addPrimaryKeyConstraint("operation_events_key", ["operation_id", "sequence"])
        .execute();
      await db.schema
        .createTable("leases")
        .addColumn("cluster", "text", (column) => column.notNull())
        .addColumn("vmid", "integer", (column) => column.notNull())
        .addColumn("address", "text", (column) => column.notNull())
        .addColumn("node", "text", (column) => column.notNull())
        .addColumn("operation_id", "text", (column) => column.notNull())
        .addColumn("state", "text", (column) => column.notNull())
        .addColumn("memory_mib", "integer", (column) => column.notNull())
        .addColumn("disk_size_bytes", sql`bigint`, (column) => column.notNull())
        .addPrimaryKeyConstraint("leases_key", ["cluster", "vmid"])
        .addUniqueConstraint("leases_address", ["cluster", "address"])
        .execute();
      await db.schema
        .createTable("nodes")
        .addColumn("node", "text", (column) => column.primaryKey())
        .addColumn("facts", "text", (column) => column.notNull())
        .addColumn("last_seen", "text", (column) => column.notNull())
        .execute();
    },
    down: async (db: Kysely<unknown>) => {
      for (const table of ["nodes", "leases", "operation_events", "operation_steps", "operations"])
        await db.schema.dropTable(table).execute();
    },
  },
};

/** The one list of migrations, for every kind of store. */
export const migrationProvider = { getMigrations: async () => ({ ...migrations }) };
