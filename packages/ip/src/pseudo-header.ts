import { type IpAddress, isIpv4 } from '@fata/addr'
import { assert } from '@fata/bytes'

function sumWord(w: number): number {
  return (w >>> 16) + (w & 0xffff)
}

/**
 * The partial sum of the pseudo-header that transport checksums cover: RFC 9293 §3.1 for IPv4, RFC 8200 §8.1 for IPv6. Both addresses
 * are of one family; `length` is that of the transport header and data.
 */
export function pseudoHeaderSum(src: IpAddress, dst: IpAddress, protocol: number, length: number): number {
  const rest = protocol + sumWord(length)
  if (isIpv4(src) && isIpv4(dst)) return rest + sumWord(src) + sumWord(dst)
  assert(!isIpv4(src) && !isIpv4(dst), 'a packet has addresses of one family')
  return (
    rest +
    sumWord(src.w0) +
    sumWord(src.w1) +
    sumWord(src.w2) +
    sumWord(src.w3) +
    sumWord(dst.w0) +
    sumWord(dst.w1) +
    sumWord(dst.w2) +
    sumWord(dst.w3)
  )
}
