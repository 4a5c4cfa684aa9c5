import { checksum, copyBytes, foldSum, putU16, putU32, u16, u32 } from '@fata/bytes'
import type { FrameMeta } from './meta.ts'
import type { Fill } from './net.ts'

// What a device's offload does, in software. The IP and TCP fields that differ between the segments of one super-frame:
const IP4_LENGTH = 2
const IP4_ID = 4
const IP4_FRAGMENT = 6
const IP4_CHECKSUM = 10
const IP4_HEADER = 20
const IP6_LENGTH = 4
const IP6_HEADER = 40
const TCP_SEQ = 4
const TCP_DATA_OFFSET = 12
const TCP_FLAGS = 13
const TCP_CHECKSUM = 16
const TCP_HEADER = 20
const FIN_PSH = 0x09
const CWR = 0x80
const UDP_CHECKSUM = 6

/** Why a frame is no super-frame that can be cut. */
export type NotSegmentable = 'no-gso' | 'truncated' | 'bad-version' | 'bad-header' | 'bad-length' | 'fragment'

/**
 * Puts the checksum in place that `meta.checksum: 'partial'` asks for, in the frame at `buf[off..end)`; `meta` stays as it is. False,
 * and nothing written, where the positions of `meta` lie outside of the frame.
 */
export function completeChecksum(buf: Uint8Array, off: number, end: number, meta: FrameMeta): boolean {
  const { checksumStart, checksumOffset } = meta
  const field = checksumStart + checksumOffset
  if (!(checksumStart >= off && checksumOffset >= 0 && field + 2 <= end)) return false
  const sum = checksum(buf, checksumStart, end)
  // RFC 768: a zero would say that there is none.
  putU16(buf, field, sum === 0 && checksumOffset === UDP_CHECKSUM ? 0xffff : sum)
  return true
}

/**
 * Cuts the TCP super-frame at `buf[off..end)`, whose IP header begins at `ip`, into frames that carry at most `meta.gsoSize` bytes each
 * and have every checksum complete. Calls `write` once per segment, in order; its `fill` must be called inside, at most once. What
 * lies before `ip` (a link header) is repeated before every segment.
 *
 * Returns the number of segments, or why there are none. IPv4 identifications count up from the super-frame's; FIN and PSH are left to
 * the last segment and CWR to the first (RFC 3168 §6.1.2). IPv6 extension headers and IPv4 and TCP options are repeated.
 */
export function segmentFrame(
  buf: Uint8Array,
  off: number,
  end: number,
  ip: number,
  meta: FrameMeta,
  write: (size: number, fill: Fill) => void,
): number | NotSegmentable {
  const refusal = checkSuperFrame(buf, end, ip, meta)
  if (refusal !== undefined) return refusal
  const tcp = meta.checksumStart
  const data = transportData(buf, tcp)
  const { gsoSize } = meta
  const isIpv4 = meta.gso === 'tcp4'
  const headers = data - off
  // The field holds the pseudo-header's sum with the length of all; of each segment it must be its own (one's complement arithmetic).
  const pseudo = u16(buf, tcp + TCP_CHECKSUM) + (~(end - tcp) & 0xffff)
  const count = Math.max(1, Math.ceil((end - data) / gsoSize))
  let from = data
  let index = 0

  const fill: Fill = (dst, at) => {
    const to = Math.min(from + gsoSize, end)
    copyBytes(dst, at, buf, off, data)
    copyBytes(dst, at + headers, buf, from, to)
    const segmentEnd = at + headers + to - from
    const ipAt = at + ip - off
    const tcpAt = at + tcp - off
    if (isIpv4) finishIpv4(dst, ipAt, segmentEnd, index)
    else putU16(dst, ipAt + IP6_LENGTH, segmentEnd - ipAt - IP6_HEADER)
    putU32(dst, tcpAt + TCP_SEQ, u32(dst, tcpAt + TCP_SEQ) + from - data)
    if (to < end) dst[tcpAt + TCP_FLAGS]! &= ~FIN_PSH
    if (index > 0) dst[tcpAt + TCP_FLAGS]! &= ~CWR
    putU16(dst, tcpAt + TCP_CHECKSUM, foldSum(pseudo + segmentEnd - tcpAt))
    putU16(dst, tcpAt + TCP_CHECKSUM, checksum(dst, tcpAt, segmentEnd))
    return segmentEnd - at
  }
  for (; index < count; index++, from += gsoSize) write(headers + Math.min(gsoSize, end - from), fill)
  return count
}

/** Where the payload begins of the TCP segment at `tcp`. */
function transportData(buf: Uint8Array, tcp: number): number {
  return tcp + (buf[tcp + TCP_DATA_OFFSET]! >>> 4) * 4
}

function finishIpv4(b: Uint8Array, at: number, end: number, index: number): void {
  putU16(b, at + IP4_LENGTH, end - at)
  putU16(b, at + IP4_ID, u16(b, at + IP4_ID) + index)
  putU16(b, at + IP4_CHECKSUM, 0)
  putU16(b, at + IP4_CHECKSUM, checksum(b, at, at + (b[at]! & 15) * 4))
}

function checkSuperFrame(buf: Uint8Array, end: number, ip: number, meta: FrameMeta): NotSegmentable | undefined {
  const tcp = meta.checksumStart
  if (meta.gso === 'none' || meta.checksum !== 'partial' || !(meta.gsoSize >= 1)) return 'no-gso'
  if (end - ip < (meta.gso === 'tcp4' ? IP4_HEADER : IP6_HEADER) || end - tcp < TCP_HEADER) return 'truncated'
  if (buf[ip]! >>> 4 !== (meta.gso === 'tcp4' ? 4 : 6)) return 'bad-version'
  if (meta.gso === 'tcp4') {
    const header = (buf[ip]! & 15) * 4
    if (header < IP4_HEADER || tcp !== ip + header) return 'bad-header'
    if (u16(buf, ip + IP4_LENGTH) !== end - ip) return 'bad-length'
    if ((u16(buf, ip + IP4_FRAGMENT) & 0x3fff) !== 0) return 'fragment'
  } else {
    if (tcp < ip + IP6_HEADER) return 'bad-header'
    if (u16(buf, ip + IP6_LENGTH) !== end - ip - IP6_HEADER) return 'bad-length'
  }
  if (meta.checksumOffset !== TCP_CHECKSUM) return 'bad-header'
  if (transportData(buf, tcp) < tcp + TCP_HEADER || transportData(buf, tcp) > end) return 'bad-header'
  return undefined
}
