import { writeMac } from '@fata/addr'
import { copyBytes, type Gather, zeroBytes } from '@fata/bytes'
import { DEFAULT_SNAPLEN, type PcapInterface } from './options.ts'
import * as wire from './wire.ts'

const PACKET_HEADER = 28
/** epb_flags and opt_endofopt. */
const PACKET_FLAGS = 12
const LONGEST_OPTION = 0xffff

/** One option: its code and its value; undefined where it is left out. */
type BlockOption = readonly [code: number, value: string | Uint8Array | undefined]

/** Options without their end. Throws a RangeError where a value exceeds 65535 bytes. */
export function encodeOptions(options: readonly BlockOption[]): Uint8Array {
  const present: [number, Uint8Array][] = []
  for (const [code, value] of options) {
    if (value === undefined) continue
    const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value
    if (bytes.length > LONGEST_OPTION)
      throw new RangeError(`an option of ${bytes.length} bytes exceeds ${LONGEST_OPTION}`)
    present.push([code, bytes])
  }
  const out = new Uint8Array(present.reduce((sum, [, bytes]) => sum + 4 + wire.padded(bytes.length), 0))
  let at = 0
  for (const [code, bytes] of present) {
    wire.putLe16(out, at, code)
    wire.putLe16(out, at + 2, bytes.length)
    out.set(bytes, at + 4)
    at += 4 + wire.padded(bytes.length)
  }
  return out
}

function block(type: number, body: Uint8Array, options: readonly BlockOption[]): Uint8Array {
  const encoded = encodeOptions(options)
  const total = 12 + body.length + (encoded.length === 0 ? 0 : encoded.length + 4)
  const out = new Uint8Array(total)
  wire.putLe32(out, 0, type)
  wire.putLe32(out, 4, total)
  out.set(body, 8)
  out.set(encoded, 8 + body.length)
  wire.putLe32(out, total - 4, total)
  return out
}

/** Section Header Block (§4.1), little-endian, of unknown length. */
export function sectionBlock(application: string, comment: string | undefined): Uint8Array {
  const body = new Uint8Array(16)
  wire.putLe32(body, 0, wire.BYTE_ORDER_MAGIC)
  wire.putLe16(body, 4, 1)
  body.fill(0xff, 8)
  return block(wire.BLOCK_SECTION, body, [
    [wire.OPT_COMMENT, comment],
    [wire.SHB_APPLICATION, application],
  ])
}

/** Interface Description Block (§4.2). */
export function interfaceBlock(description: PcapInterface): Uint8Array {
  const { medium, mac, snaplen = DEFAULT_SNAPLEN } = description
  const body = new Uint8Array(8)
  wire.putLe16(body, 0, medium === 'ethernet' ? wire.LINKTYPE_ETHERNET : wire.LINKTYPE_RAW)
  wire.putLe32(body, 4, snaplen)
  const address = new Uint8Array(6)
  if (mac !== undefined) writeMac(address, 0, mac)
  return block(wire.BLOCK_INTERFACE, body, [
    [wire.OPT_COMMENT, description.comment],
    [wire.IF_NAME, description.name],
    [wire.IF_DESCRIPTION, description.description],
    [wire.IF_MAC, mac === undefined ? undefined : address],
    [wire.IF_TSRESOL, Uint8Array.of(wire.TSRESOL_NS)],
  ])
}

/** Interface Statistics Block (§4.6). `start` and `end` are time stamps of 8 bytes. */
export function statisticsBlock(
  device: number,
  start: Uint8Array,
  end: Uint8Array,
  received: number,
  dropped: number,
): Uint8Array {
  const body = new Uint8Array(12)
  wire.putLe32(body, 0, device)
  body.set(end, 4)
  const count = (n: number): Uint8Array => {
    const value = new Uint8Array(8)
    wire.putLe64(value, 0, n)
    return value
  }
  return block(wire.BLOCK_STATISTICS, body, [
    [wire.ISB_START, start],
    [wire.ISB_END, end],
    [wire.ISB_RECEIVED, count(received)],
    [wire.ISB_DROPPED, count(dropped)],
  ])
}

/** Length of an Enhanced Packet Block. */
export function packetBlockLength(captured: number, comment: Uint8Array | undefined): number {
  return PACKET_HEADER + wire.padded(captured) + (comment === undefined ? 0 : comment.length) + PACKET_FLAGS + 4
}

/** Where in an Enhanced Packet Block its time stamp is. */
export const PACKET_TIMESTAMP = 12

/**
 * Writes an Enhanced Packet Block (§4.3) at `b[at..)`, all but its time stamp: of the bytes at `buf[off..end)` and of `payload`, the first
 * `captured`. `comment` is an encoded option.
 */
export function putPacketBlock(
  b: Uint8Array,
  at: number,
  device: number,
  flags: number,
  captured: number,
  buf: Uint8Array,
  off: number,
  end: number,
  payload: Gather | undefined,
  comment: Uint8Array | undefined,
): void {
  const total = packetBlockLength(captured, comment)
  wire.putLe32(b, at, wire.BLOCK_PACKET)
  wire.putLe32(b, at + 4, total)
  wire.putLe32(b, at + 8, device)
  wire.putLe32(b, at + 20, captured)
  wire.putLe32(b, at + 24, end - off + (payload === undefined ? 0 : payload.length))
  const data = at + PACKET_HEADER
  const dataEnd = data + captured
  let o = data + copyBytes(b, data, buf, off, off + Math.min(captured, end - off))
  for (let i = 0; payload !== undefined && o < dataEnd; i++) {
    const from = payload.offs[i]!
    o += copyBytes(b, o, payload.bufs[i]!, from, from + Math.min(dataEnd - o, payload.ends[i]! - from))
  }
  let option = data + wire.padded(captured)
  zeroBytes(b, dataEnd, option)
  if (comment !== undefined) option += copyBytes(b, option, comment)
  wire.putLe16(b, option, wire.EPB_FLAGS)
  wire.putLe16(b, option + 2, 4)
  wire.putLe32(b, option + 4, flags)
  wire.putLe32(b, option + 8, wire.OPT_END)
  wire.putLe32(b, at + total - 4, total)
}
