export { ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, type EtherType } from './ethertype.ts'
export type { Link, LinkFrame, LinkListener } from './link.ts'
export type { Neighbors } from './neighbors.ts'
export { createPointToPoint, type PointToPoint } from './point-to-point.ts'
