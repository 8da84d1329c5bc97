import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter, createConnectRouter } from "@connectrpc/connect";
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import type { FastifyInstance } from "fastify";
import { withViolations } from "./decode-errors.ts";
import { mapErrors, type ReportBug } from "./errors.ts";

/** A request larger than this is refused. */
export const maxRequestBytes = 1 << 20;

interface UniversalResponse {
  readonly status: number;
  header?: Headers;
  body?: AsyncIterable<Uint8Array> | Uint8Array;
}

const endStreamFlag = 0b10;
const prefixBytes = 5;

/**
 * Serves Connect, gRPC and gRPC-Web on fastify. JSON refuses unknown fields by name; binary messages tolerate them, so
 * that old servers take calls of new clients.
 */
export function connectRoutes(routes: (router: ConnectRouter) => void, report: ReportBug) {
  return async (fastify: FastifyInstance): Promise<void> => {
    fastify.removeAllContentTypeParsers();
    fastify.addContentTypeParser("*", (_request, _payload, done) => done(null, undefined)); // read by the handlers
    const router = createConnectRouter({
      interceptors: [mapErrors(report)],
      jsonOptions: { ignoreUnknownFields: false },
      readMaxBytes: maxRequestBytes,
      // Small answers are not worth compressing, and streams of small messages lose nine tenths of their speed by it.
      acceptCompression: [compressionGzip],
      compressMinBytes: 64 * 1024,
    });
    routes(router);
    for (const handler of router.handlers)
      fastify.all(handler.requestPath, async (request, reply) => {
        reply.hijack();
        for (const [name, value] of Object.entries(reply.getHeaders()))
          if (value !== undefined) reply.raw.setHeader(name, value);
        try {
          const universal = universalRequestFromNodeRequest(request.raw, reply.raw, undefined, undefined);
          const response = await handler(universal);
          await universalResponseToNodeResponse(tellViolations(response, handler.method), reply.raw);
        } catch (error) {
          if (ConnectError.from(error).code !== Code.Aborted) report(error); // Aborted: the caller left
          if (!reply.raw.writableEnded) reply.raw.destroy();
        }
      });
  };
}

/** Adds violations to an answer that refuses JSON. Answers in binary formats are left as they are. */
function tellViolations<R extends UniversalResponse>(response: R, method: DescMethod): R {
  const type = response.header?.get("content-type") ?? "";
  if (!response.body || response.body instanceof Uint8Array) return response;
  if (type.startsWith("application/connect+json"))
    return { ...response, body: rewriteEndStream(response.body, method) };
  if (response.status !== 400 || !type.startsWith("application/json")) return response;
  const header = new Headers(response.header);
  header.delete("content-length");
  return { ...response, header, body: rewriteUnary(response.body, method) };
}

async function* rewriteUnary(body: AsyncIterable<Uint8Array>, method: DescMethod): AsyncGenerator<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const error = parseJson(Buffer.concat(chunks).toString("utf8"));
  yield Buffer.from(JSON.stringify(withViolations(error, method)));
}

/** Only a stream that ends before its first message can have met JSON that could not be read. */
async function* rewriteEndStream(body: AsyncIterable<Uint8Array>, method: DescMethod): AsyncGenerator<Uint8Array> {
  let isFirst = true;
  for await (const chunk of body) {
    yield isFirst && chunk[0] === endStreamFlag ? rewriteEnvelope(chunk, method) : chunk;
    isFirst = false;
  }
}

function rewriteEnvelope(envelope: Uint8Array, method: DescMethod): Uint8Array {
  const { error, ...rest } = parseJson(Buffer.from(envelope.subarray(prefixBytes)).toString("utf8"));
  if (typeof error !== "object" || error === null) return envelope;
  const text = Buffer.from(JSON.stringify({ ...rest, error: withViolations(error, method) }));
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt8(endStreamFlag, 0);
  prefix.writeUInt32BE(text.length, 1);
  return Buffer.concat([prefix, text]);
}

function parseJson(text: string): Record<string, unknown> {
  const parsed: unknown = JSON.parse(text);
  return typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
}
