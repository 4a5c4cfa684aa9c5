import { putU16, putU32, u16, u32 } from '@fata/bytes'
import { ACK } from '@fata/tcp/wire'
import { decodeOptions, encodeOptions, formatOption } from './options.ts'
import { FLAG_LETTERS } from './parse-packet.ts'
import type { TcpOptionSpec } from './script.ts'

const HEADER = 20
/** All flags, that of Accurate ECN included. */
const FLAG_BITS = 0x1ff

export type LiveOption = ReturnType<typeof decodeOptions>[number]

/** A TCP segment as it is compared: every field, numbers as they are on the wire or mapped to those of the script. */
export interface Segment {
  srcPort: number
  dstPort: number
  seq: number
  ack: number
  flags: number
  window: number
  urgent: number
  options: LiveOption[]
  length: number
}

/** Reads a segment; undefined where it is too short for its header. */
export function decodeSegment(b: Uint8Array): Segment | undefined {
  const header = b.length < HEADER ? 0 : (b[12]! >>> 4) * 4
  if (header < HEADER || header > b.length) return undefined
  return {
    srcPort: u16(b, 0),
    dstPort: u16(b, 2),
    seq: u32(b, 4) >>> 0,
    ack: u32(b, 8) >>> 0,
    flags: u16(b, 12) & FLAG_BITS,
    window: u16(b, 14),
    urgent: u16(b, 18),
    options: decodeOptions(b.subarray(HEADER, header)),
    length: b.length - header,
  }
}

/** Writes a segment with so many zero bytes of text; the checksum is left to do. */
export function encodeSegment(s: Segment): Uint8Array {
  const options = encodeOptions(s.options.filter((o): o is TcpOptionSpec => o.kind !== 'unknown'))
  const b = new Uint8Array(HEADER + options.length + s.length)
  putU16(b, 0, s.srcPort)
  putU16(b, 2, s.dstPort)
  putU32(b, 4, s.seq)
  putU32(b, 8, s.ack)
  putU16(b, 12, (((HEADER + options.length) / 4) << 12) | s.flags)
  putU16(b, 14, s.window)
  putU16(b, 18, s.urgent)
  b.set(options, HEADER)
  return b
}

/** Flags as letters, in the order of scripts. */
export function formatFlags(flags: number): string {
  const letters = Object.entries(FLAG_LETTERS).filter(
    ([letter, bit]) => letter !== 'C' && letter !== '.' && (flags & bit) !== 0,
  )
  const text = letters.map(([letter]) => letter).join('') + ((flags & ACK) === 0 ? '' : '.')
  return text === '' ? '-' : text
}

/** A segment as a script would write it. */
export function formatSegment(s: Segment): string {
  const ack = (s.flags & ACK) === 0 ? '' : ` ack ${s.ack}`
  const urgent = s.urgent === 0 ? '' : ` urg ${s.urgent}`
  const options = s.options.length === 0 ? '' : ` <${s.options.map(formatOption).join(',')}>`
  const end = (s.seq + s.length) % 2 ** 32
  return `${formatFlags(s.flags)} ${s.seq}:${end}(${s.length})${ack} win ${s.window}${urgent}${options}`
}
