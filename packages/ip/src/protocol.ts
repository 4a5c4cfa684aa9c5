// Of IANA's registry of protocol numbers.

/** RFC 792 */
export const PROTOCOL_ICMP = 1
/** RFC 1112 */
export const PROTOCOL_IGMP = 2
/** RFC 9293 */
export const PROTOCOL_TCP = 6
/** RFC 768 */
export const PROTOCOL_UDP = 17
/** RFC 4443 */
export const PROTOCOL_ICMPV6 = 58
