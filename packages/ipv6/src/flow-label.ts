import type { Ipv6 } from '@fata/addr'

function mix(h: number, word: number): number {
  const m = Math.imul(h ^ word, 0x2c1b3c6d)
  return m ^ (m >>> 15)
}

/**
 * The flow label of a packet: a hash of its addresses, protocol and ports (or 0), as RFC 6437 §3 recommends, keyed so that nobody
 * outside can tell the flows of a host from it. Never 0, which would mean that there is none.
 */
export function flowLabel(key: number, src: Ipv6, dst: Ipv6, protocol: number, ports: number): number {
  let h = mix(mix(key, src.w0 ^ src.w1), src.w2 ^ src.w3)
  h = mix(mix(mix(h, dst.w0 ^ dst.w1), dst.w2), dst.w3)
  h = mix(mix(h, ports), protocol)
  return (h >>> 12) | 0 || 1
}
