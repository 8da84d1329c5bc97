import type { AddressPolicy } from "../ports/address-policy.ts";

/** The seed's policy: the gateway's first three octets, and the VMID as the last one. */
export function lastOctetPolicy(gateway: string, prefixLength: number): AddressPolicy {
  const network = gateway.split(".").slice(0, 3).join(".");
  return {
    gateway,
    description: `${network}.<VMID>/${prefixLength}`,
    addressOf: (vmid) => {
      const address = `${network}.${vmid}`;
      return vmid >= 1 && vmid <= 254 && address !== gateway ? `${address}/${prefixLength}` : undefined;
    },
  };
}
