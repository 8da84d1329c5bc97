import { readFileSync } from "node:fs";
import {
  createFileRegistry,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescMethod,
  type FileRegistry,
  fromBinary,
  ScalarType,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { z } from "zod";
import { requestSchemas } from "./request-schemas.ts";
import { allowedFor, childOf } from "./validation.ts";

/** A route of REST for the document. */
export interface RestOperation {
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  readonly answer: "text" | "json" | "sse";
}

type Json = Record<string, unknown>;

const answerTypes = { text: "text/plain", json: "application/json", sse: "text/event-stream" };
let contract: FileRegistry | undefined;

/** The document for /openapi.json: types from the contract, limits from the requests' schemas, routes of both kinds. */
export function openApiDocument(version: string, routes: readonly RestOperation[] = []): Json {
  contract ??= createFileRegistry(
    fromBinary(FileDescriptorSetSchema, readFileSync(new URL("../../gen/contract.binpb", import.meta.url))),
  );
  const files = [...contract.files].filter(({ name }) => name.startsWith("qmesh/v1/"));
  const methods = files.flatMap(({ services }) => services).flatMap((service) => service.methods);
  const messages = files.flatMap((file) => file.messages);
  return {
    openapi: "3.1.0",
    info: {
      title: "qmesh",
      version,
      description:
        "Every RPC is a POST of JSON to /<service>/<method> (Connect); calls that change nothing can be a GET. The same port speaks gRPC and gRPC-Web, and the REST routes below /api.",
      license: { name: "AGPL-3.0-only" },
    },
    paths: { ...Object.fromEntries(methods.map(toPath)), ...restPaths(routes) },
    components: {
      schemas: {
        ...Object.fromEntries(messages.map((message) => [message.typeName, toSchema(message)])),
        ...Object.fromEntries(
          files
            .flatMap((file) => file.enums)
            .map((descriptor) => [
              descriptor.typeName,
              {
                type: "string",
                enum: descriptor.values.map(({ name }) => name),
                description: commentOf(descriptor.file, [5, descriptor.file.enums.indexOf(descriptor)]),
              },
            ]),
        ),
        "connect.error": {
          type: "object",
          properties: {
            code: { type: "string" },
            message: { type: "string" },
            details: { type: "array", items: { type: "object" } },
          },
        },
      },
    },
  };
}

function toPath(method: DescMethod): [string, Json] {
  const service = method.parent;
  const description = commentOf(service.file, [
    6,
    service.file.services.indexOf(service),
    2,
    service.methods.indexOf(method),
  ]);
  const streaming = method.methodKind !== "unary";
  const contentType = streaming ? "application/connect+json" : "application/json";
  const operation = {
    operationId: `${service.name}_${method.name}`,
    tags: [service.name],
    summary: description.split(/(?<=\.)\s/)[0],
    description: streaming ? `${description} Requests and answers are in Connect's envelopes.` : description,
    requestBody: { required: true, content: { [contentType]: { schema: reference(method.input.typeName) } } },
    responses: {
      "200": {
        description: streaming ? "The stream of answers." : "The answer.",
        content: { [contentType]: { schema: reference(method.output.typeName) } },
      },
      default: { description: "An error.", content: { "application/json": { schema: reference("connect.error") } } },
    },
  };
  const isRead = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS && !streaming;
  const get = {
    ...operation,
    operationId: `${operation.operationId}_get`,
    requestBody: undefined,
    parameters: [
      { name: "encoding", in: "query", required: true, schema: { const: "json" } },
      {
        name: "message",
        in: "query",
        required: true,
        content: { "application/json": { schema: reference(method.input.typeName) } },
      },
    ],
  };
  return [`/${service.typeName}/${method.name}`, isRead ? { post: operation, get } : { post: operation }];
}

function toSchema(message: DescMessage): Json {
  const index = message.file.messages.indexOf(message);
  return {
    type: "object",
    description: commentOf(message.file, [4, index]),
    additionalProperties: false,
    properties: Object.fromEntries(
      message.fields.map((field, place) => {
        const description = commentOf(message.file, [4, index, 2, place]);
        return [field.jsonName, { ...toType(field), ...limitsOf(message, field), description }];
      }),
    ),
  };
}

function toType(field: DescField): Json {
  switch (field.fieldKind) {
    case "scalar":
      return scalarType(field.scalar);
    case "enum":
      return reference(field.enum.typeName);
    case "message":
      return messageType(field.message);
    case "map":
      return { type: "object", additionalProperties: field.mapKind === "scalar" ? scalarType(field.scalar) : {} };
    case "list":
      if (field.listKind === "message") return { type: "array", items: messageType(field.message) };
      return {
        type: "array",
        items: field.listKind === "enum" ? reference(field.enum.typeName) : scalarType(field.scalar),
      };
    default:
      throw new Error(`unknown kind of field ${String(field satisfies never)}`);
  }
}

function messageType({ typeName }: DescMessage): Json {
  if (typeName === "google.protobuf.Timestamp") return { type: "string", format: "date-time" };
  if (typeName === "google.protobuf.Duration") return { type: "string", pattern: "^-?\\d+(\\.\\d+)?s$" };
  return reference(typeName);
}

function scalarType(scalar: ScalarType): Json {
  switch (scalar) {
    case ScalarType.STRING:
      return { type: "string" };
    case ScalarType.BOOL:
      return { type: "boolean" };
    case ScalarType.BYTES:
      return { type: "string", contentEncoding: "base64" };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return { type: "number" };
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return { type: "string", format: "int64" };
    default:
      return { type: "integer", format: "int32" };
  }
}

/** What the request's schema says of a field, as far as JSON Schema can say it; the rest stands in words. */
function limitsOf(message: DescMessage, field: DescField): Json {
  const schema = (requestSchemas as Readonly<Record<string, z.ZodType>>)[message.typeName];
  const leaf = schema && childOf(schema, field.localName);
  if (!leaf) return {};
  const allowed = allowedFor(message.typeName, field.localName);
  const { minimum, maximum, pattern, maxLength, maxItems } = z.toJSONSchema(leaf, {
    unrepresentable: "any",
    io: "input",
  }) as Json;
  const limits = { minimum, maximum, pattern, maxLength, maxItems, "x-allowed": allowed };
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}

function restPaths(routes: readonly RestOperation[]): Json {
  const paths: Record<string, Json> = {};
  for (const { method, path, summary, answer } of routes) {
    const template = path.replace(/:(\w+)/g, "{$1}");
    const parameters = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
      name,
      in: "path",
      required: true,
      schema: { type: name === "id" ? "integer" : "string" },
    }));
    const responses = {
      "200": { description: summary, content: { [answerTypes[answer]]: {} } },
      default: { description: "An error." },
    };
    paths[template] = {
      ...paths[template],
      [method.toLowerCase()]: { tags: ["REST"], summary, parameters, responses },
    };
  }
  return paths;
}

const reference = (typeName: string): Json => ({ $ref: `#/components/schemas/${typeName}` });

/** The comment at a place of a file, by protobuf's numbering of places. */
function commentOf(file: DescFile, path: readonly number[]): string {
  const found = file.proto.sourceCodeInfo?.location.find(
    (location) => location.path.length === path.length && location.path.every((part, index) => part === path[index]),
  );
  return (found?.leadingComments ?? "").replace(/\s+/g, " ").trim();
}
