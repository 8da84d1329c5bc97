import type { Server as HttpServer } from "node:http";
import { cors as connectCors } from "@connectrpc/connect";
import cors from "@fastify/cors";
import { type FastifyInstance, fastify } from "fastify";
import type { AccessList } from "./access.ts";
import { connectRoutes, maxRequestBytes } from "./api/connect-routes.ts";
import type { ReportBug } from "./api/errors.ts";
import { openApiDocument } from "./api/openapi.ts";
import { registerServices, type Services } from "./api/services.ts";
import { createOnePortServer, type TlsFiles } from "./one-port.ts";
import type { Metrics } from "./ports/metrics.ts";
import { registerRest } from "./rest/register.ts";
import { routes } from "./rest/routes.ts";

export interface ServerOptions {
  readonly services: Services;
  readonly metrics: Metrics;
  readonly access: AccessList;
  /** Origins of web pages that may call. */
  readonly corsOrigins: readonly string[];
  readonly tls: TlsFiles | undefined;
  readonly readScript: (name: string) => Promise<string | undefined>;
  readonly version: string;
  readonly stopping: AbortSignal;
  readonly report: ReportBug;
}

const scriptName = /^([a-z][a-z0-9]*_[0-9][0-9a-z.]*)\.sh$/;

/** Everything on one port: Connect, gRPC, gRPC-Web, REST, SSE, metrics and the scripts. Listens to nothing yet. */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const app = fastify({
    // Fastify only listens to it, closes it and hears its errors: a net.Server in front of two others is enough.
    serverFactory: (handler) => createOnePortServer(handler, options.tls) as unknown as HttpServer,
    bodyLimit: maxRequestBytes,
    forceCloseConnections: true,
  });

  app.addHook("onRequest", async (request, reply) => {
    const { socket, headers, method, host } = request;
    const forwarded = headers["x-forwarded-for"];
    if (!options.access.allows(socket.remoteAddress, Array.isArray(forwarded) ? forwarded.join(",") : forwarded))
      return reply
        .code(403)
        .send({ code: "permission_denied", message: "this IP is not allowed to perform this action" });
    // A page of a foreign site may make a browser send such a request, but the browser says where it comes from.
    const { origin } = headers;
    if (origin === undefined || method === "GET" || method === "HEAD" || method === "OPTIONS") return undefined;
    if (options.corsOrigins.includes(origin) || hostOf(origin) === host) return undefined;
    return reply
      .code(403)
      .send({ code: "permission_denied", message: `pages of ${origin.slice(0, 100)} may not call this server` });
  });
  app.setErrorHandler(async (error: Error & { statusCode?: number; code?: string }, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) options.report(error);
    return reply.code(status).send({ success: false, message: status >= 500 ? "internal error" : describe(error) });
  });
  app.setNotFoundHandler(async (request, reply) => {
    const known = routes.some(({ path }) => sameShape(path, request.url.split("?")[0] ?? ""));
    if (known) return reply.code(405).send({ success: false, message: `${request.method} is not allowed here` });
    return reply
      .code(404)
      .send({ success: false, message: "there is nothing here; /openapi.json lists what there is" });
  });

  await app.register(cors, {
    origin: [...options.corsOrigins],
    methods: ["GET", "POST"],
    allowedHeaders: [...connectCors.allowedHeaders, "Idempotency-Key", "Last-Event-ID"],
    exposedHeaders: [...connectCors.exposedHeaders, "Operation-Id"],
    strictPreflight: false,
  });
  await app.register(
    connectRoutes((router) => registerServices(router, options.services, options.stopping), options.report),
  );
  await app.register(registerRest(options.services, options.report));

  app.get("/metrics", async (_request, reply) => {
    const { contentType, text } = await options.metrics.page();
    return reply.type(contentType).send(text);
  });
  app.get("/openapi.json", async () => openApiDocument(options.version, routes));
  app.get<{ Params: { file: string } }>("/sh/:file", async ({ params }, reply) => {
    const name = scriptName.exec(params.file)?.[1];
    const script = name === undefined ? undefined : await options.readScript(name);
    if (script === undefined) return reply.code(404).type("text/plain; charset=utf-8").send("there is no such script");
    return reply.type("text/x-shellscript; charset=utf-8").send(script);
  });
  return app;
}

function describe({ code, message }: { readonly code?: string; readonly message: string }): string {
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") return `body: too large; allowed: at most ${maxRequestBytes} bytes`;
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") return "content-type: not supported; allowed: application/json";
  return message;
}

function hostOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).host : "";
}

/** Whether a path fits a route's pattern. */
function sameShape(pattern: string, path: string): boolean {
  const wanted = pattern.split("/");
  const parts = path.split("/");
  return wanted.length === parts.length && wanted.every((part, index) => part.startsWith(":") || part === parts[index]);
}
