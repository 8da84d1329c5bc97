import type { DescService } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { z } from "zod";
import { DomainError, type FieldViolation } from "../domain/errors.ts";
import { requestSchemas, secretFields } from "./request-schemas.ts";

const maxShownValue = 100;

/**
 * Puts the schema of each request before its handler, so that every protocol refuses the same things in the same words.
 * A request message without a schema is a mistake that the start of the program finds.
 */
export function validated<S extends DescService>(service: S, implementation: ServiceImpl<S>): ServiceImpl<S> {
  const methods = Object.values(service.method).map(({ localName, input }) => {
    const schema = schemaOf(input.typeName);
    const handler = implementation[localName as keyof ServiceImpl<S>] as unknown as Handler;
    const checked: Handler = (request, context) => {
      validateRequest(schema, request);
      return handler.call(implementation, request, context);
    };
    return [localName, checked] as const;
  });
  return Object.fromEntries(methods) as unknown as ServiceImpl<S>;
}

type Handler = (request: Readonly<Record<string, unknown>>, context: HandlerContext) => unknown;

/** The schema of a request message. */
export function schemaOf(typeName: string): z.ZodType {
  const schema = (requestSchemas as Readonly<Record<string, z.ZodType>>)[typeName];
  if (!schema) throw new Error(`${typeName} has no schema in request-schemas.ts`);
  return schema;
}

/** What a field of a request message accepts; undefined when the schema does not say. */
export function allowedFor(typeName: string, localName: string): string | undefined {
  const schema = (requestSchemas as Readonly<Record<string, z.ZodType>>)[typeName];
  return schema && allowedAt(schema, [localName]);
}

/** Throws one error that names every field that is wrong. */
export function validateRequest(schema: z.ZodType, request: Readonly<Record<string, unknown>>): void {
  const result = schema.safeParse(request);
  if (result.success) return;
  throw invalidFields(result.error.issues.map((issue) => toViolation(issue, schema, request)));
}

/** The error for fields that are wrong. */
export function invalidFields(violations: readonly FieldViolation[]): DomainError {
  const unique = [...new Map(violations.map((violation) => [violation.field, violation])).values()];
  const message = unique
    .map(
      ({ field, value, allowed }) =>
        `${field}: ${value === "" ? "" : `"${value}" is not allowed; `}allowed: ${allowed}`,
    )
    .join("; ");
  const metadata = Object.fromEntries(unique.map(({ field, value }) => [field, value]));
  return new DomainError("invalid", "FIELD_INVALID", message, metadata, { violations: unique });
}

function toViolation(issue: z.core.$ZodIssue, schema: z.ZodType, request: unknown): FieldViolation {
  const path = issue.path.map(String);
  const { field, value } = describePath(path, request);
  const secret = path.some((part) => secretFields.has(part));
  const shown = value === undefined || secret ? "" : show(value);
  return {
    field,
    value: shown,
    allowed: allowedAt(schema, path) ?? issue.message,
    description: describe(issue, field),
  };
}

/** The path as a caller writes it in JSON: a oneof does not show, its fields stand beside the others. */
function describePath(path: readonly string[], request: unknown): { readonly field: string; readonly value: unknown } {
  let value: unknown = request;
  let field = "";
  for (const part of path) {
    const parent = value;
    value = isRecord(parent) ? parent[part] : undefined;
    const oneofCase = isRecord(value) && "case" in value ? String(value["case"] ?? part) : undefined;
    if (isRecord(parent) && "case" in parent && (part === "value" || part === "case")) continue;
    if (Array.isArray(parent)) field += `[${part}]`;
    else field += `${field === "" ? "" : "."}${oneofCase ?? part}`;
  }
  return { field, value };
}

/** What the innermost schema on the path says that it accepts. */
function allowedAt(schema: z.ZodType, path: readonly string[]): string | undefined {
  let current: z.ZodType | undefined = schema;
  let allowed = allowedOf(current);
  for (const part of path) {
    current = current && childOf(current, part);
    if (!current) break;
    allowed = allowedOf(current) ?? allowed;
  }
  return allowed;
}

function allowedOf(schema: z.ZodType): string | undefined {
  const { allowed } = schema.meta() ?? {};
  if (typeof allowed === "string") return allowed;
  return schema instanceof z.ZodOptional ? allowedOf(schema.unwrap() as z.ZodType) : undefined;
}

/** The schema of a field of an object, an element of an array, or a value of a union. */
export function childOf(schema: z.ZodType, part: string): z.ZodType | undefined {
  if (schema instanceof z.ZodOptional) return childOf(schema.unwrap() as z.ZodType, part);
  if (schema instanceof z.ZodObject) return schema.shape[part] as z.ZodType | undefined;
  if (schema instanceof z.ZodArray) return schema.element as z.ZodType;
  if (schema instanceof z.ZodUnion)
    return schema.options.map((option) => childOf(option as z.ZodType, part)).find((child) => child !== undefined);
  return undefined;
}

function describe({ code }: z.core.$ZodIssue, field: string): string {
  switch (code) {
    case "too_small":
      return `${field} is too small or too short`;
    case "too_big":
      return `${field} is too large or too long`;
    case "invalid_type":
      return `${field} is missing or of the wrong type`;
    default:
      return `${field} does not have an accepted form`;
  }
}

function show(value: unknown): string {
  const text =
    typeof value === "string"
      ? value
      : JSON.stringify(value, (_key, part: unknown) => (typeof part === "bigint" ? String(part) : part));
  return (text ?? "").slice(0, maxShownValue);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
