import { invalidFields } from "./validation.ts";

/** A place in a list, as a token that callers need not understand. */
export function toPageToken(place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** Reads a page token back; undefined for the first page. */
export function fromPageToken(token: string, length: number): readonly (string | number)[] | undefined {
  if (token === "") return undefined;
  try {
    const place: unknown = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
    if (
      Array.isArray(place) &&
      place.length === length &&
      place.every((part) => ["string", "number"].includes(typeof part))
    )
      return place as readonly (string | number)[];
  } catch {
    // refused below
  }
  throw invalidFields([
    {
      field: "pageToken",
      value: token.slice(0, 100),
      allowed: "the next_page_token of the page before, or empty",
      description: "the page token is not one of this list",
    },
  ]);
}

/** One page of a list that is in memory, and the token of the next. Items are in the order of their keys. */
export function pageOf<T>(
  items: readonly T[],
  keyOf: (item: T) => string | number,
  { pageSize, pageToken }: { readonly pageSize: number; readonly pageToken: string },
  defaultSize: number,
): { readonly page: readonly T[]; readonly nextPageToken: string } {
  const [after] = fromPageToken(pageToken, 1) ?? [];
  const start = after === undefined ? 0 : items.findIndex((item) => keyOf(item) > after);
  const rest = start < 0 ? [] : items.slice(start);
  const page = rest.slice(0, pageSize || defaultSize);
  const last = page.at(-1);
  return { page, nextPageToken: last !== undefined && page.length < rest.length ? toPageToken([keyOf(last)]) : "" };
}
