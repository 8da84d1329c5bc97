import type { Insertable, Kysely, Selectable, Transaction } from "kysely";
import type { NodeFacts } from "../domain/node.ts";
import type { OperationEvent, OperationState, StepState } from "../operations/engine/events.ts";
import type { JournalBatch, OperationFilter, OperationRow, StepRow } from "../operations/engine/journal.ts";
import type { Failure } from "../operations/engine/step.ts";
import type { Lease, NodeMemory, Store } from "../ports/store.ts";
import type { StoreTables } from "./store-schema.ts";

type Row<T extends keyof StoreTables> = Selectable<StoreTables[T]>;

/** The store over kysely, for any database that has its tables. */
export class KyselyStore implements Store {
  readonly #db: Kysely<StoreTables>;

  constructor(db: Kysely<StoreTables>) {
    this.#db = db;
  }

  async create(row: OperationRow): Promise<{ created: boolean; row: OperationRow }> {
    return this.#db.transaction().execute(async (transaction) => {
      const same =
        row.requestId === ""
          ? undefined
          : await transaction
              .selectFrom("operations")
              .selectAll()
              .where("cluster", "=", row.cluster)
              .where("request_id", "=", row.requestId)
              .executeTakeFirst();
      if (same) return { created: false, row: fromOperation(same) };
      await transaction.insertInto("operations").values(toOperation(row)).execute();
      return { created: true, row };
    });
  }

  async append(operationId: string, batch: JournalBatch): Promise<void> {
    await this.#db.transaction().execute(async (transaction) => {
      await appendEvents(transaction, operationId, batch.events);
      if (batch.step) await upsertStep(transaction, operationId, batch.step);
      const changes = operationChanges(batch);
      if (Object.keys(changes).length > 0)
        await transaction.updateTable("operations").set(changes).where("operation_id", "=", operationId).execute();
      if (batch.scrub === true) await scrub(transaction, operationId);
    });
  }

  async requestCancel(operationId: string): Promise<void> {
    await this.#db
      .updateTable("operations")
      .set({ cancel_requested: 1 })
      .where("operation_id", "=", operationId)
      .execute();
  }

  async get(operationId: string): Promise<OperationRow | undefined> {
    const row = await this.#db
      .selectFrom("operations")
      .selectAll()
      .where("operation_id", "=", operationId)
      .executeTakeFirst();
    return row && fromOperation(row);
  }

  async findByRequestId(cluster: string, requestId: string): Promise<OperationRow | undefined> {
    const row = await this.#db
      .selectFrom("operations")
      .selectAll()
      .where("cluster", "=", cluster)
      .where("request_id", "=", requestId)
      .executeTakeFirst();
    return row && fromOperation(row);
  }

  async list(
    filter: OperationFilter,
    limit: number,
    before?: { readonly createTime: Date; readonly operationId: string },
  ): Promise<readonly OperationRow[]> {
    let query = this.#db.selectFrom("operations").selectAll().where("cluster", "=", filter.cluster);
    if (filter.state) query = query.where("state", "=", filter.state);
    if (filter.vmid !== undefined) query = query.where("vmid", "=", filter.vmid);
    if (filter.kind !== undefined) query = query.where("kind", "=", filter.kind);
    if (before) {
      const time = before.createTime.toISOString();
      query = query.where((eb) =>
        eb.or([
          eb("create_time", "<", time),
          eb.and([eb("create_time", "=", time), eb("operation_id", "<", before.operationId)]),
        ]),
      );
    }
    const rows = await query.orderBy("create_time", "desc").orderBy("operation_id", "desc").limit(limit).execute();
    return rows.map(fromOperation);
  }

  async listUnfinished(): Promise<readonly OperationRow[]> {
    const rows = await this.#db
      .selectFrom("operations")
      .selectAll()
      .where("state", "in", ["queued", "running", "unwinding"])
      .orderBy("create_time")
      .execute();
    return rows.map(fromOperation);
  }

  async steps(operationId: string): Promise<readonly StepRow[]> {
    const rows = await this.#db
      .selectFrom("operation_steps")
      .selectAll()
      .where("operation_id", "=", operationId)
      .orderBy("start_time")
      .execute();
    return rows.map(fromStep);
  }

  async events(operationId: string, afterSequence: number, limit: number): Promise<readonly OperationEvent[]> {
    const rows = await this.#db
      .selectFrom("operation_events")
      .selectAll()
      .where("operation_id", "=", operationId)
      .where("sequence", ">", afterSequence)
      .orderBy("sequence")
      .limit(limit)
      .execute();
    return rows.map(fromEvent);
  }

  async takeLease(lease: Lease): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await this.#db
      .insertInto("leases")
      .values(toLease(lease))
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    return numInsertedOrUpdatedRows === 1n;
  }

  async bindLease(cluster: string, vmid: number): Promise<void> {
    await this.#db
      .updateTable("leases")
      .set({ state: "bound" })
      .where("cluster", "=", cluster)
      .where("vmid", "=", vmid)
      .execute();
  }

  async releaseLease(cluster: string, vmid: number, operationId?: string): Promise<void> {
    let query = this.#db.deleteFrom("leases").where("cluster", "=", cluster).where("vmid", "=", vmid);
    if (operationId !== undefined) query = query.where("operation_id", "=", operationId);
    await query.execute();
  }

  async listLeases(cluster: string): Promise<readonly Lease[]> {
    const rows = await this.#db.selectFrom("leases").selectAll().where("cluster", "=", cluster).execute();
    return rows.map(fromLease);
  }

  async rememberNode({ node, facts, lastSeen }: NodeMemory): Promise<void> {
    const row = { facts: JSON.stringify(facts), last_seen: lastSeen.toISOString() };
    await this.#db
      .insertInto("nodes")
      .values({ node, ...row })
      .onConflict((conflict) => conflict.column("node").doUpdateSet(row))
      .execute();
  }

  async recallNodes(): Promise<readonly NodeMemory[]> {
    const rows = await this.#db.selectFrom("nodes").selectAll().execute();
    return rows.map(({ node, facts, last_seen }) => {
      const parsed = JSON.parse(facts) as NodeFacts;
      const images = parsed.images.map((image) => ({ ...image, verifyTime: new Date(image.verifyTime) }));
      return { node, facts: { ...parsed, images }, lastSeen: new Date(last_seen) };
    });
  }

  async close(): Promise<void> {
    await this.#db.destroy();
  }
}

async function appendEvents(
  transaction: Transaction<StoreTables>,
  operationId: string,
  events: readonly OperationEvent[],
): Promise<void> {
  // A row takes three parameters, and there can be many lines at once.
  for (let start = 0; start < events.length; start += 200) {
    const values = events.slice(start, start + 200).map((event) => ({
      operation_id: operationId,
      sequence: event.sequence,
      body: JSON.stringify(event),
    }));
    await transaction.insertInto("operation_events").values(values).execute();
  }
}

async function upsertStep(transaction: Transaction<StoreTables>, operationId: string, step: StepRow): Promise<void> {
  const row = {
    state: step.state,
    attempts: step.attempts,
    start_time: step.startTime.toISOString(),
    end_time: step.endTime?.toISOString() ?? null,
    // What a step gave stays known while it is undone.
    ...(step.gave ? { gave: JSON.stringify(step.gave) } : {}),
  };
  await transaction
    .insertInto("operation_steps")
    .values({ operation_id: operationId, name: step.name, gave: null, ...row })
    .onConflict((conflict) => conflict.columns(["operation_id", "name"]).doUpdateSet(row))
    .execute();
}

function operationChanges({
  events,
  state,
  facts,
  error,
  endTime,
}: JournalBatch): Partial<Insertable<StoreTables["operations"]>> {
  const last = events.at(-1);
  return {
    ...(last ? { last_sequence: last.sequence } : {}),
    ...(state ? { state } : {}),
    ...(facts?.vmid === undefined ? {} : { vmid: facts.vmid }),
    ...(facts?.node === undefined ? {} : { node: facts.node }),
    ...(facts?.address === undefined ? {} : { address: facts.address }),
    ...(error ? { error: JSON.stringify(error) } : {}),
    ...(endTime ? { end_time: endTime.toISOString() } : {}),
  };
}

/** Forgets the sealed values of an operation that has ended. */
async function scrub(transaction: Transaction<StoreTables>, operationId: string): Promise<void> {
  const where = { operation_id: operationId };
  const operation = await transaction
    .selectFrom("operations")
    .select("input")
    .where("operation_id", "=", where.operation_id)
    .executeTakeFirst();
  const input = operation && scrubbed(operation.input);
  if (input !== undefined)
    await transaction.updateTable("operations").set({ input }).where("operation_id", "=", operationId).execute();
  const steps = await transaction
    .selectFrom("operation_steps")
    .select(["name", "gave"])
    .where("operation_id", "=", operationId)
    .execute();
  for (const { name, gave } of steps) {
    const clean = gave === null ? undefined : scrubbed(gave);
    if (clean === undefined) continue;
    await transaction
      .updateTable("operation_steps")
      .set({ gave: clean })
      .where("operation_id", "=", operationId)
      .where("name", "=", name)
      .execute();
  }
}

/** The JSON without sealed values; undefined when it has none. */
function scrubbed(json: string): string | undefined {
  if (!json.includes('"sealed"')) return undefined;
  return JSON.stringify(JSON.parse(json, (key, value: unknown) => (key === "sealed" ? "" : value)));
}

function toOperation(row: OperationRow): Insertable<StoreTables["operations"]> {
  return {
    operation_id: row.operationId,
    cluster: row.cluster,
    kind: row.kind,
    state: row.state,
    guest_kind: row.guestKind,
    vmid: row.vmid,
    node: row.node,
    address: row.address,
    request_id: row.requestId === "" ? null : row.requestId,
    request: JSON.stringify(row.request),
    input: JSON.stringify(row.input),
    create_time: row.createTime.toISOString(),
    end_time: row.endTime?.toISOString() ?? null,
    error: row.error ? JSON.stringify(row.error) : null,
    cancel_requested: row.cancelRequested ? 1 : 0,
    last_sequence: row.lastSequence,
  };
}

function fromOperation(row: Row<"operations">): OperationRow {
  return {
    operationId: row.operation_id,
    cluster: row.cluster,
    kind: row.kind,
    state: row.state as OperationState,
    guestKind: row.guest_kind as OperationRow["guestKind"],
    vmid: row.vmid,
    node: row.node,
    address: row.address,
    requestId: row.request_id ?? "",
    request: JSON.parse(row.request) as Record<string, unknown>,
    input: JSON.parse(row.input) as Record<string, unknown>,
    createTime: new Date(row.create_time),
    ...(row.end_time === null ? {} : { endTime: new Date(row.end_time) }),
    ...(row.error === null ? {} : { error: JSON.parse(row.error) as Failure }),
    cancelRequested: row.cancel_requested !== 0,
    lastSequence: row.last_sequence,
  };
}

function fromStep(row: Row<"operation_steps">): StepRow {
  return {
    name: row.name,
    state: row.state as StepState,
    attempts: row.attempts,
    startTime: new Date(row.start_time),
    ...(row.end_time === null ? {} : { endTime: new Date(row.end_time) }),
    ...(row.gave === null ? {} : { gave: JSON.parse(row.gave) as Record<string, unknown> }),
  };
}

function fromEvent({ body }: Row<"operation_events">): OperationEvent {
  const event = JSON.parse(body) as Omit<OperationEvent, "time"> & { readonly time: string };
  return { ...event, time: new Date(event.time) };
}

function toLease(lease: Lease): Insertable<StoreTables["leases"]> {
  const { operationId, memoryMib, diskSizeBytes, ...rest } = lease;
  return { ...rest, operation_id: operationId, memory_mib: memoryMib, disk_size_bytes: diskSizeBytes };
}

function fromLease({ operation_id, memory_mib, disk_size_bytes, ...rest }: Row<"leases">): Lease {
  return {
    ...rest,
    state: rest.state as Lease["state"],
    operationId: operation_id,
    memoryMib: memory_mib,
    diskSizeBytes: disk_size_bytes,
  };
}
