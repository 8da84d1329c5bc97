import { createServer as createHttpServer, type RequestListener } from "node:http";
import {
  createServer as createHttp2Server,
  createSecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from "node:http2";
import { createServer as createNetServer, type Server, type Socket } from "node:net";

/** A certificate for clients, as PEM. */
export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** How HTTP/2 with prior knowledge begins. "P" alone may also begin POST. */
const http2Preface = "PRI";
const firstBytesTimeoutMs = 15_000;

/**
 * One server for HTTP/1.1 and HTTP/2: by ALPN with TLS, and by the first bytes in cleartext, for which Node has no
 * server of its own.
 */
export function createOnePortServer(handler: RequestListener, tls: TlsFiles | undefined): Server {
  const handler2 = handler as unknown as (request: Http2ServerRequest, response: Http2ServerResponse) => void; // its compatibility layer
  if (tls) {
    const server = createSecureServer({ ...tls, allowHTTP1: true }, handler2);
    server.on("connection", (socket: Socket) => socket.setNoDelay(true));
    server.on("sessionError", () => {}); // a client's broken connection is no event of ours
    return server;
  }
  const http1 = createHttpServer({ noDelay: true, keepAliveTimeout: 65_000 }, handler);
  const http2 = createHttp2Server(handler2);
  http2.on("sessionError", () => {});
  const open = new Set<Socket>();
  const server = createNetServer({ noDelay: true }, (socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    sniff(socket, (isHttp2) => (isHttp2 ? http2 : http1).emit("connection", socket));
  });
  // Fastify asks for these at its close.
  return Object.assign(server, {
    closeIdleConnections: () => http1.closeIdleConnections(),
    closeAllConnections: () => {
      for (const socket of open) socket.destroy();
    },
  });
}

/** Reads the first bytes, decides, and puts them back. */
function sniff(socket: Socket, decide: (isHttp2: boolean) => void): void {
  let seen = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), firstBytesTimeoutMs);
  const end = () => {
    clearTimeout(timer);
    socket.off("data", onData);
    socket.off("error", onError);
    socket.off("close", onClose);
  };
  const onError = () => socket.destroy();
  const onClose = () => end();
  const onData = (chunk: Buffer) => {
    seen = Buffer.concat([seen, chunk]);
    const start = seen.toString("latin1", 0, http2Preface.length);
    if (seen.length < http2Preface.length && http2Preface.startsWith(start)) return;
    end();
    socket.pause();
    socket.unshift(seen);
    decide(start === http2Preface);
    socket.resume();
  };
  socket.on("data", onData);
  socket.on("error", onError);
  socket.on("close", onClose);
}
