import type { ServerResponse } from "node:http";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { NoticeLevel, type OperationEvent, OperationEventSchema } from "../../gen/qmesh/v1/operation_pb.js";

/** What every stream of an operation's events sends. */
export interface SseSource {
  readonly message?:
    | { readonly case: "event"; readonly value: MessageInitShape<typeof OperationEventSchema> }
    | { readonly case: "heartbeat"; readonly value: object }
    | { readonly case: "plan"; readonly value: object }
    | { readonly case: undefined; readonly value?: undefined };
}

/** The payload of an event, as go-pve-qemu documents it. */
export interface SsePayload {
  readonly step: string;
  readonly status: "processing" | "success" | "error";
  readonly message: string;
  readonly vm_id?: number;
  readonly ip?: string;
}

/** Streams events as server-sent events. What came before `afterSequence` is left out: the reader has it. */
export async function streamSse(
  response: ServerResponse,
  source: AsyncIterator<SseSource>,
  first: IteratorResult<SseSource>,
  afterSequence: number,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  let item = first;
  const operationId = firstOperationId(first.value as SseSource | undefined);
  response.writeHead(200, {
    ...headers,
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
    ...(operationId === ""
      ? {}
      : { "operation-id": operationId, link: `</api/operations/${operationId}/events>; rel="monitor"` }),
  });
  while (item.done !== true) {
    const frame = toFrame(item.value, afterSequence);
    if (frame !== "" && !response.write(frame)) await drained(response);
    if (response.destroyed) return;
    item = await source.next();
  }
  response.end();
}

/** One event as text. Every event has an id; a sign of life is a comment; the last one closes the stream. */
export function toFrame({ message }: SseSource, afterSequence: number): string {
  if (message?.case === "heartbeat") return ": heartbeat\n\n";
  if (message?.case !== "event") return "";
  const event = create(OperationEventSchema, message.value);
  if (Number(event.sequence) <= afterSequence) return "";
  const id = `id: ${event.sequence}\n`;
  if (event.event.case !== "finished") return `${id}data: ${JSON.stringify(toPayload(event))}\n\n`;
  return `${id}event: close\ndata: {}\n\n`;
}

/** The documented fields of an event. */
export function toPayload(event: OperationEvent): SsePayload {
  const { status, mark } = toStatus(event);
  return {
    step: event.phase === "" ? event.step : event.phase,
    status,
    message: `${mark}${event.message}`,
    ...(event.address === "" ? {} : { vm_id: event.vmid, ip: event.address }),
  };
}

/** `[*]` goes on, `[+]` is done, `[-]` failed, `[!]` is a warning; output of programs stands for itself. */
function toStatus({ event }: OperationEvent): { readonly status: SsePayload["status"]; readonly mark: string } {
  switch (event.case) {
    case "stepFinished":
      return { status: "success", mark: "[+] " };
    case "stepFailed":
      return { status: "error", mark: "[-] " };
    case "stepUndone":
      return { status: "processing", mark: "[-] " };
    case "logLine":
      return { status: "processing", mark: "" };
    case "notice":
      if (event.value.level === NoticeLevel.SUCCESS) return { status: "success", mark: "[*] " };
      return { status: "processing", mark: event.value.level === NoticeLevel.WARNING ? "[!] " : "[*] " };
    default:
      return { status: "processing", mark: "[*] " };
  }
}

function firstOperationId(source: SseSource | undefined): string {
  return source?.message?.case === "event" ? (source.message.value.operationId ?? "") : "";
}

function drained(response: ServerResponse): Promise<unknown> {
  return new Promise((resolve) => response.once("drain", resolve).once("close", resolve));
}
