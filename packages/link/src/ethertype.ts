/** A number of the IEEE's EtherType registry, 0x0600..0xffff. */
export type EtherType = number

/** RFC 894 */
export const ETHERTYPE_IPV4: EtherType = 0x0800
/** RFC 826 */
export const ETHERTYPE_ARP: EtherType = 0x0806
/** RFC 2464 §3 */
export const ETHERTYPE_IPV6: EtherType = 0x86dd
