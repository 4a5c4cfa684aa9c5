import type { FrameMeta } from '@fata/net'
import { createTcpHeader, decode, FIN, HEADER_LEN, type Malformed, SYN, type TcpHeader } from '../wire.ts'
import { createOptionValues, parseOptions, type TcpOptionValues } from '../wire-options.ts'

/** A received segment: header, options, and where its text is. One record is reused; it is valid during the call only. */
export interface Segment extends TcpHeader {
  readonly options: TcpOptionValues
  buf: Uint8Array
  /** The text is `buf[off..off+length)`. */
  off: number
  length: number
  /** Bytes of text in each of the segments that a super-frame was made of; `length` in an ordinary one. */
  unit: number
  /** Congestion was experienced on its way (RFC 3168 §5). */
  marked: boolean
}

/** The ECN field of the traffic class byte, and its code point for congestion. */
const ECN_FIELD = 3
const CONGESTION_EXPERIENCED = 3

const NOTHING = new Uint8Array(0)

/** A record for reuse. */
export function createSegment(): Segment {
  return {
    ...createTcpHeader(),
    options: createOptionValues(),
    buf: NOTHING,
    off: 0,
    length: 0,
    unit: 0,
    marked: false,
  }
}

/** Reads the segment at `buf[off..end)`. Its checksum is the caller's business. */
export function readSegment(
  s: Segment,
  buf: Uint8Array,
  off: number,
  end: number,
  meta: FrameMeta,
  trafficClass: number,
): Malformed | undefined {
  const result = decode(buf, off, end, s)
  if (typeof result === 'string') return result
  parseOptions(buf, off + HEADER_LEN, off + s.headerLen, s.options)
  s.buf = buf
  s.off = off + s.headerLen
  s.length = end - s.off
  s.unit = meta.gso === 'none' || meta.gsoSize === 0 ? s.length : Math.min(meta.gsoSize, s.length)
  s.marked = (trafficClass & ECN_FIELD) === CONGESTION_EXPERIENCED
  return undefined
}

/** SEG.LEN of RFC 9293 §3.4: SYN and FIN count. */
export function segmentLength(s: Segment): number {
  return s.length + ((s.flags & SYN) !== 0 ? 1 : 0) + ((s.flags & FIN) !== 0 ? 1 : 0)
}

/** Drops the first `n` bytes of the text; the urgent pointer, which counts from SEG.SEQ, stays where it points to. */
export function trimFront(s: Segment, n: number): void {
  s.seq = (s.seq + n) | 0
  s.urgent -= n
  s.off += n
  s.length -= n
}
