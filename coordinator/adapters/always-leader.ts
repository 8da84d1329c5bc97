import type { Leadership } from "../ports/leadership.ts";

/** For one coordinator with a store of its own: it always leads. */
export const alwaysLeader: Leadership = { lead: async () => new AbortController().signal };
