import type { FrameMeta } from '@fata/net'
import { hostU16, putHostU16 } from './host-order.ts'

/*
 * struct virtio_net_hdr, which stands before every frame of a device opened with IFF_VNET_HDR; host byte order (VIRTIO 1.2 §5.1.6,
 * legacy interface). Positions are counted from the start of the frame.
 *
 *     0       1          2         4          6            8             10
 *   +-------+----------+---------+----------+------------+-------------+
 *   | flags | GSO type | hdr_len | gso_size | csum_start | csum_offset |
 *   +-------+----------+---------+----------+------------+-------------+
 */
const FLAGS = 0
const GSO_TYPE = 1
const HEADER_LENGTH = 2
const GSO_SIZE = 4
const CHECKSUM_START = 6
const CHECKSUM_OFFSET = 8
export const VNET_HEADER = 10

const NEEDS_CHECKSUM = 1
const DATA_VALID = 2
const GSO_NONE = 0
const GSO_TCP4 = 1
const GSO_TCP6 = 4
const GSO_ECN = 0x80

const TCP_DATA_OFFSET = 12
const TCP_FLAGS = 13
const CWR = 0x80

/** Why a header is not understood. */
export type BadVnetHeader = 'truncated' | 'bad-checksum-position' | 'unknown-gso'

/** Reads the header at `b[o..)` of the frame behind it, which ends at `end`, into `meta`. On refusal `meta` is undefined. */
export function decodeVnetHeader(b: Uint8Array, o: number, end: number, meta: FrameMeta): BadVnetHeader | undefined {
  const frame = o + VNET_HEADER
  if (frame > end) return 'truncated'
  const flags = b[o + FLAGS]!
  meta.checksum = 'none'
  meta.checksumStart = 0
  meta.checksumOffset = 0
  if ((flags & NEEDS_CHECKSUM) !== 0) {
    const start = frame + hostU16(b, o + CHECKSUM_START)
    const offset = hostU16(b, o + CHECKSUM_OFFSET)
    if (start + offset + 2 > end) return 'bad-checksum-position'
    meta.checksum = 'partial'
    meta.checksumStart = start
    meta.checksumOffset = offset
  } else if ((flags & DATA_VALID) !== 0) {
    meta.checksum = 'valid'
  }
  const gso = b[o + GSO_TYPE]! & ~GSO_ECN
  if (gso !== GSO_NONE && gso !== GSO_TCP4 && gso !== GSO_TCP6) return 'unknown-gso'
  meta.gso = gso === GSO_NONE ? 'none' : gso === GSO_TCP4 ? 'tcp4' : 'tcp6'
  meta.gsoSize = gso === GSO_NONE ? 0 : hostU16(b, o + GSO_SIZE)
  return undefined
}

/**
 * Writes the header at `b[o..o+10)` of the frame behind it, whose bytes up to `end` stand in `b`: at least its headers. Received frames
 * alone can be `'valid'`, so that means nothing here.
 */
export function encodeVnetHeader(b: Uint8Array, o: number, end: number, meta: FrameMeta | undefined): void {
  for (let i = 0; i < VNET_HEADER; i++) b[o + i] = 0
  if (meta === undefined || meta.checksum !== 'partial') return
  const frame = o + VNET_HEADER
  const tcp = meta.checksumStart
  b[o + FLAGS] = NEEDS_CHECKSUM
  putHostU16(b, o + CHECKSUM_START, tcp - frame)
  putHostU16(b, o + CHECKSUM_OFFSET, meta.checksumOffset)
  if (meta.gso === 'none') return
  // The kernel keeps this much in one piece and pages for the rest.
  const headers = Math.min(end, tcp + (b[tcp + TCP_DATA_OFFSET]! >>> 4) * 4)
  const ecn = (b[tcp + TCP_FLAGS]! & CWR) === 0 ? 0 : GSO_ECN
  b[o + GSO_TYPE] = (meta.gso === 'tcp4' ? GSO_TCP4 : GSO_TCP6) | ecn
  putHostU16(b, o + HEADER_LENGTH, headers - frame)
  putHostU16(b, o + GSO_SIZE, meta.gsoSize)
}
