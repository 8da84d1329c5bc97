import { create, type DescMethod, ScalarType, toBinary } from "@bufbuild/protobuf";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/qmesh/v1/error_info_pb.js";
import type { FieldViolation } from "../domain/errors.ts";
import { allowedFor, invalidFields } from "./validation.ts";

/*
 * JSON that does not fit a message is refused by the protobuf library before any of our code sees it, in words of its
 * own. Here those words become the same typed violations as every other wrong field has, in the answers of Connect.
 */

const unknownKey = /^cannot decode message (\S+) from JSON: key "(.*)" is unknown$/;
const badField = /^cannot decode (?:field|oneof) (\S+)\.(\w+) from JSON: (.*)$/s;
const badMessage = /^cannot decode message (\S+) from JSON/;

interface WireError {
  readonly code?: string;
  readonly message?: string;
  readonly details?: readonly unknown[];
}

/** The error with its violations, when it is about JSON that could not be read; otherwise as it is. */
export function withViolations<E extends WireError>(error: E, method: DescMethod): E {
  if (error.code !== "invalid_argument" || error.message === undefined || (error.details?.length ?? 0) > 0)
    return error;
  const violation = toViolation(error.message, method);
  if (!violation) return error;
  const { message, reason, metadata, violations } = invalidFields([violation]);
  const info = create(ErrorInfoSchema, { reason, domain: "qmesh", metadata: { ...metadata } });
  const bad = create(BadRequestSchema, { fieldViolations: violations.map((entry) => ({ ...entry })) });
  const details = [
    { type: ErrorInfoSchema.typeName, value: base64(toBinary(ErrorInfoSchema, info)) },
    { type: BadRequestSchema.typeName, value: base64(toBinary(BadRequestSchema, bad)) },
  ];
  return { ...error, message, details };
}

function toViolation(words: string, method: DescMethod): FieldViolation | undefined {
  const [, , key] = unknownKey.exec(words) ?? [];
  if (key !== undefined) {
    const known = method.input.fields.map(({ jsonName }) => jsonName).join(", ");
    return {
      field: key.slice(0, 100),
      value: "",
      allowed: `no such field; there are: ${known}`,
      description: "the field is unknown",
    };
  }
  const [, , name, reason] = badField.exec(words) ?? [];
  if (name !== undefined) {
    const field = method.input.fields.find((candidate) => candidate.name === name);
    const jsonName = field?.jsonName ?? name;
    const value = name === "password" ? "" : (reason ?? "").slice(0, 100);
    return {
      field: jsonName,
      value,
      allowed: allowedFor(method.input.typeName, field?.localName ?? name) ?? typeWords(field),
      description: `${jsonName} is of the wrong type`,
    };
  }
  if (!badMessage.test(words)) return undefined;
  return {
    field: "body",
    value: "",
    allowed: `a JSON object of type ${method.input.typeName}`,
    description: "the body is not such an object",
  };
}

function typeWords(field: DescMethod["input"]["fields"][number] | undefined): string {
  if (field?.fieldKind === "scalar")
    return field.scalar === ScalarType.STRING ? "a text" : `a value of type ${ScalarType[field.scalar].toLowerCase()}`;
  return field?.fieldKind === "list" ? "a list" : "a value as the contract has it";
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64").replace(/=+$/, "");
