import { formatIpv4, type Network, parseIpv4 } from "../domain/ipv4.ts";
import type { AddressPolicy } from "../ports/address-policy.ts";

/**
 * For more VMs than an octet holds: the first VMID of the range gets the network's address number `offset`, the next
 * VMID the next address.
 */
export function poolPolicy(network: Network, offset: number, firstVmid: number, gateway: string): AddressPolicy {
  const gatewayValue = parseIpv4(gateway);
  return {
    gateway,
    description: `${formatIpv4(network.base)}/${network.prefixLength} from address ${offset} on for VMID ${firstVmid} on`,
    addressOf: (vmid) => {
      const index = offset + vmid - firstVmid;
      const value = network.base + index;
      const isUsable = index >= 1 && index < network.size - 1 && value !== gatewayValue;
      return vmid >= firstVmid && isUsable ? `${formatIpv4(value)}/${network.prefixLength}` : undefined;
    },
  };
}
