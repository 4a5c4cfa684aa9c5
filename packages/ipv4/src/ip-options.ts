/** The option list of an IPv4 header, RFC 791 §3.1. A list is `b[off..end)`, the bytes behind the fixed header. */
const END_OF_LIST = 0
const NO_OPERATION = 1
const LOOSE_SOURCE_ROUTE = 131
const STRICT_SOURCE_ROUTE = 137

/** Asks routers to look at the packet (RFC 2113): what IGMP messages carry. */
export const ROUTER_ALERT: Uint8Array = Uint8Array.of(148, 4, 0, 0)

/** Position of the first option whose length is impossible, or -1. Every other function here wants a list without one. */
export function badOptionAt(b: Uint8Array, off: number, end: number): number {
  for (let i = off; i < end && b[i] !== END_OF_LIST; ) {
    if (b[i] === NO_OPERATION) i++
    else if (i + 1 >= end || b[i + 1]! < 2 || i + b[i + 1]! > end) return i
    else i += b[i + 1]!
  }
  return -1
}

/** The list has a router alert. */
export function hasRouterAlert(b: Uint8Array, off: number, end: number): boolean {
  return find(b, off, end, ROUTER_ALERT[0]!, ROUTER_ALERT[0]!) >= 0
}

/** Bit of an option's kind: fragments have it, too. */
const COPIED = 0x80

/** What of a list fragments behind the first have (RFC 791 §3.1): zeros follow up to a multiple of 4 bytes. */
export function copiedOptions(b: Uint8Array, off: number, end: number): Uint8Array {
  const copied: number[] = []
  for (let i = off; i < end && b[i] !== END_OF_LIST; i += b[i] === NO_OPERATION ? 1 : b[i + 1]!)
    if ((b[i]! & COPIED) !== 0) copied.push(...b.subarray(i, i + b[i + 1]!))
  const list = new Uint8Array((copied.length + 3) & ~3)
  list.set(copied)
  return list
}

/** Position of the first option of kind `kind` or `other`, or -1. */
function find(b: Uint8Array, off: number, end: number, kind: number, other: number): number {
  for (let i = off; i < end && b[i] !== END_OF_LIST; i += b[i] === NO_OPERATION ? 1 : b[i + 1]!)
    if (b[i] === kind || b[i] === other) return i
  return -1
}

/** `'incomplete'`: hops are left. `'completed'`: the packet is where its last hop sent it (RFC 1122 §3.2.1.8). */
export type SourceRoute = 'none' | 'incomplete' | 'completed'

/** Which source route a list holds; of several the first. */
export function sourceRoute(b: Uint8Array, off: number, end: number): SourceRoute {
  const at = find(b, off, end, LOOSE_SOURCE_ROUTE, STRICT_SOURCE_ROUTE)
  if (at < 0) return 'none'
  const length = b[at + 1]!
  return length >= 3 && b[at + 2]! > length ? 'completed' : 'incomplete'
}
