import type { OperationDeps } from "../operations/deps.ts";
import type { Journal } from "../operations/engine/journal.ts";
import type { Operations } from "../operations/engine/operations.ts";
import type { HashPassword } from "../operations/intake/install-vm.ts";

/** What the services are made of. */
export interface ServiceParts {
  readonly deps: OperationDeps;
  readonly operations: Operations<OperationDeps>;
  readonly journal: Pick<Journal, "list" | "steps">;
  readonly hashPassword: HashPassword;
}
