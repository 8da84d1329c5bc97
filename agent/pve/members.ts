/** The cluster as pmxcfs sees it, from `/etc/pve/.members`. */
export interface Members {
  readonly nodeName: string;
  /** Empty on a node alone. */
  readonly clusterName: string;
  readonly quorate: boolean;
  readonly nodes: readonly Member[];
}

export interface Member {
  readonly name: string;
  readonly online: boolean;
  readonly address: string;
}

interface MembersJson {
  readonly nodename?: string;
  readonly cluster?: { readonly name?: string; readonly quorate?: number };
  readonly nodelist?: Readonly<Record<string, { readonly online?: number; readonly ip?: string }>>;
}

/** Reads `.members`. A node alone has no `cluster` and no `nodelist`, and is always quorate. */
export function parseMembers(text: string): Members {
  const { nodename = "", cluster, nodelist } = JSON.parse(text) as MembersJson;
  if (!cluster)
    return {
      nodeName: nodename,
      clusterName: "",
      quorate: true,
      nodes: [{ name: nodename, online: true, address: "" }],
    };
  return {
    nodeName: nodename,
    clusterName: cluster.name ?? "",
    quorate: cluster.quorate === 1,
    nodes: Object.entries(nodelist ?? {})
      .map(([name, { online, ip }]) => ({ name, online: online === 1, address: ip ?? "" }))
      .toSorted((a, b) => a.name.localeCompare(b.name)),
  };
}
