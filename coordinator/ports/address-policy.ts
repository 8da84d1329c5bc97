/** Which address belongs to a VMID. */
export interface AddressPolicy {
  /** The guest's address in CIDR notation; undefined when the VMID has none under this policy. */
  readonly addressOf: (vmid: number) => string | undefined;
  /** The guests' gateway. */
  readonly gateway: string;
  /** One line about it, for error messages. */
  readonly description: string;
}
