import { createHash } from "node:crypto";
import { invalidFields } from "../api/validation.ts";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The request id of an `Idempotency-Key`: itself when it is a UUID, or a UUID made from it. Empty when there is none. */
export function toRequestId(key: string | undefined): string {
  if (key === undefined || key === "") return "";
  if (uuid.test(key)) return key.toLowerCase();
  if (!/^[!-~ ]{1,255}$/.test(key))
    throw invalidFields([
      {
        field: "Idempotency-Key",
        value: key.slice(0, 100),
        allowed: "1 to 255 printable ASCII characters",
        description: "the key has other characters",
      },
    ]);
  const hex = createHash("sha256").update(`idempotency-key:${key}`).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The last event that a client has, from `Last-Event-ID`. 0 when it has none. */
export function toAfterSequence(lastEventId: string | undefined): number {
  if (lastEventId === undefined || lastEventId === "") return 0;
  if (/^\d{1,15}$/.test(lastEventId)) return Number(lastEventId);
  throw invalidFields([
    {
      field: "Last-Event-ID",
      value: lastEventId.slice(0, 100),
      allowed: "the id of an event, a whole number",
      description: "it is no event's id",
    },
  ]);
}
