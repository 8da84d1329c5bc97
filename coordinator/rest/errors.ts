import { type PlainError, type ReportBug, toPlainError } from "../api/errors.ts";

/** What a caller of REST gets. `names` gives fields the names that the route documents. */
export function toRestError(error: unknown, names: ReadonlyMap<string, string>, report: ReportBug): PlainError {
  const plain = toPlainError(error, report);
  if (plain.violations.length === 0) return plain;
  const violations = plain.violations.map((violation) => ({ ...violation, field: rename(violation.field, names) }));
  const message = violations
    .map(
      ({ field, value, allowed }) =>
        `${field}: ${value === "" ? "" : `"${value}" is not allowed; `}allowed: ${allowed}`,
    )
    .join("; ");
  return { ...plain, message, violations };
}

/** `sshPublicKeys[1]` has the name of `sshPublicKeys`. */
function rename(field: string, names: ReadonlyMap<string, string>): string {
  return names.get(field) ?? names.get(field.replace(/\[\d+\]$/, "")) ?? field;
}
