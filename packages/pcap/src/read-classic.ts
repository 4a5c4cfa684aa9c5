import { PcapError } from './errors.ts'
import type { CapturedInterface, CapturedPacket } from './packet.ts'
import { must, need, View } from './view.ts'

const MAGIC_US = 0xa1b2c3d4
const MAGIC_NS = 0xa1b23c4d
const FILE_HEADER = 24
const PACKET_HEADER = 16

/** The classic format's magic number, in either byte order; undefined for anything else. */
export function classicFormat(bytes: Uint8Array): { isLittle: boolean; isNanoseconds: boolean } | undefined {
  if (bytes.length < 4) return undefined
  for (const isLittle of [true, false]) {
    const magic = new View(bytes, isLittle).u32(0)
    if (magic === MAGIC_US || magic === MAGIC_NS) return { isLittle, isNanoseconds: magic === MAGIC_NS }
  }
  return undefined
}

/** Packets of a classic pcap file, version 2.4. */
export function* readClassic(
  bytes: Uint8Array,
  { isLittle, isNanoseconds }: { isLittle: boolean; isNanoseconds: boolean },
): Generator<CapturedPacket, void, undefined> {
  need(bytes, 0, FILE_HEADER)
  const view = new View(bytes, isLittle)
  if (view.u16(4) !== 2 || view.u16(6) !== 4)
    throw new PcapError('ERR_PCAP_UNSUPPORTED', `version ${view.u16(4)}.${view.u16(6)} of pcap`, 4)
  // The upper bits tell of a frame check sequence at the end of each packet.
  if (view.u32(20) >>> 16 !== 0) throw new PcapError('ERR_PCAP_UNSUPPORTED', 'a link type with flags', 20)
  const device: CapturedInterface = {
    linkType: view.u32(20),
    snaplen: view.u32(16),
    name: undefined,
    description: undefined,
    mac: undefined,
    comment: undefined,
    received: undefined,
    dropped: undefined,
  }
  const unit = isNanoseconds ? 1 : 1000
  for (let at = FILE_HEADER; at < bytes.length; ) {
    need(bytes, at, PACKET_HEADER)
    const fraction = view.u32(at + 4)
    const captured = view.u32(at + 8)
    const length = view.u32(at + 12)
    must(fraction * unit < 1e9, 'a fraction of more than a second', at + 4)
    must(captured <= length, 'more bytes captured than there were', at + 8)
    must(device.snaplen === 0 || captured <= device.snaplen, 'more bytes captured than the limit', at + 8)
    need(bytes, at + PACKET_HEADER, captured)
    const end = at + PACKET_HEADER + captured
    yield {
      interface: device,
      timeNs: BigInt(view.u32(at)) * 1_000_000_000n + BigInt(fraction * unit),
      direction: undefined,
      bytes: bytes.subarray(at + PACKET_HEADER, end),
      length,
      comment: undefined,
    }
    at = end
  }
}
