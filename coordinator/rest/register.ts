import type { HandlerContext } from "@connectrpc/connect";
import { createContextValues } from "@connectrpc/connect";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ReportBug } from "../api/errors.ts";
import type { Services } from "../api/services.ts";
import { invalidFields } from "../api/validation.ts";
import { toRestError } from "./errors.ts";
import { toAfterSequence, toRequestId } from "./request-id.ts";
import { type RestRequest, type Route, routes } from "./routes.ts";
import { type SseSource, streamSse } from "./sse.ts";

/** What old clients send JSON as: `curl -d` calls it a form, and go-pve-qemu never looked. */
const jsonTypes = ["application/json", "application/x-www-form-urlencoded", "text/plain"];
const vmidPattern = /^\d{1,9}$/;

/** Registers the REST routes. */
export function registerRest(services: Services, report: ReportBug) {
  return async (fastify: FastifyInstance): Promise<void> => {
    fastify.removeAllContentTypeParsers();
    fastify.addContentTypeParser(jsonTypes, { parseAs: "string" }, (_request, body, done) => done(null, body));
    for (const route of routes)
      fastify.route({
        method: route.method,
        url: route.path,
        handler: async (request, reply) => {
          try {
            await answer(route, services, request, reply);
          } catch (error) {
            await refuse(route, error, report, reply);
          }
        },
      });
  };
}

async function answer(route: Route, services: Services, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const left = new AbortController();
  reply.raw.once("close", () => left.abort());
  const restRequest = toRestRequest(route, request, left.signal);
  if (route.answer === "text") {
    const { text, status = 200 } = await route.handle(services, restRequest);
    return void (await reply.code(status).type("text/plain; charset=utf-8").send(text));
  }
  if (route.answer === "json") return void (await reply.send(await route.handle(services, restRequest)));
  const source = route.handle(services, restRequest)[Symbol.asyncIterator]();
  const first = await source.next(); // what is refused before the first event gets an honest status
  reply.hijack();
  await sendStream(reply, source, first, restRequest.afterSequence, report(request));
}

/** After the headers are out, a failure can only end the stream: without `event: close`, the client knows that it was cut. */
async function sendStream(
  reply: FastifyReply,
  source: AsyncIterator<SseSource>,
  first: IteratorResult<SseSource>,
  afterSequence: number,
  log: (error: unknown) => void,
): Promise<void> {
  const headers = Object.fromEntries(
    Object.entries(reply.getHeaders()).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
  try {
    await streamSse(reply.raw, source, first, afterSequence, headers);
  } catch (error) {
    log(error);
    reply.raw.destroy();
  } finally {
    await source.return?.();
  }
}

const report = (request: FastifyRequest) => (error: unknown) => {
  if (!(error instanceof Error && error.name === "AbortError"))
    request.log.error({ err: error }, "an event stream broke");
};

function toRestRequest(route: Route, request: FastifyRequest, signal: AbortSignal): RestRequest {
  const { id = "", operationId = "" } = request.params as { readonly id?: string; readonly operationId?: string };
  const requestId = toRequestId(header(request, "idempotency-key"));
  const afterSequence = toAfterSequence(header(request, "last-event-id"));
  if (afterSequence > 0 && route.answer === "sse" && route.method === "POST" && requestId === "")
    throw invalidFields([
      {
        field: "Last-Event-ID",
        value: String(afterSequence),
        allowed: "only with the Idempotency-Key of the first call; or GET /api/operations/<id>/events",
        description: "without the key this would start something new",
      },
    ]);
  return {
    vmid: route.path.includes(":id") ? toVmid(id) : 0,
    operationId,
    body: parseBody(request.body),
    requestId,
    afterSequence,
    context: toContext(signal),
  };
}

function toVmid(text: string): number {
  if (vmidPattern.test(text)) return Number(text);
  throw invalidFields([
    {
      field: "id",
      value: text.slice(0, 100),
      allowed: "100 to 999999999",
      description: "the VMID is not a whole number",
    },
  ]);
}

function parseBody(body: unknown): unknown {
  if (typeof body !== "string" || body.trim() === "") return undefined;
  try {
    return JSON.parse(body);
  } catch {
    throw invalidFields([
      { field: "body", value: body.slice(0, 100), allowed: "a JSON object", description: "the body is not JSON" },
    ]);
  }
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Services only look at the signal; the rest is what a call from inside has. */
function toContext(signal: AbortSignal): HandlerContext {
  const context: Pick<
    HandlerContext,
    "signal" | "timeoutMs" | "protocolName" | "requestHeader" | "responseHeader" | "responseTrailer" | "values"
  > = {
    signal,
    timeoutMs: () => undefined,
    protocolName: "rest",
    requestHeader: new Headers(),
    responseHeader: new Headers(),
    responseTrailer: new Headers(),
    values: createContextValues(),
  };
  return context as HandlerContext;
}

/** Refusals have the content type of the route: text where it documents text, JSON elsewhere. */
async function refuse(route: Route, error: unknown, log: ReportBug, reply: FastifyReply): Promise<void> {
  if (reply.raw.headersSent || reply.raw.destroyed) return;
  const { status, message, reason, violations } = toRestError(error, route.names, log);
  if (status === 503) reply.header("retry-after", "5");
  const sentence = `${route.failure}: ${message}`;
  if (route.answer === "text") return void (await reply.code(status).type("text/plain; charset=utf-8").send(sentence));
  await reply.code(status).send({ success: false, message: sentence, reason, violations });
}
