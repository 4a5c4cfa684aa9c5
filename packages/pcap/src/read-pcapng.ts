import { readMac } from '@fata/addr'
import { PcapError } from './errors.ts'
import type { CapturedInterface, CapturedPacket } from './packet.ts'
import { fixedOption, readOptions, textOption } from './read-options.ts'
import { must, need, View } from './view.ts'
import * as wire from './wire.ts'

/** A device with how its time stamps count: `perSecond` of them, and from `offsetNs` on. */
interface Device {
  readonly described: CapturedInterface
  readonly perSecond: bigint
  readonly offsetNs: bigint
}

const NS = 1_000_000_000n
const UNKNOWN_LENGTH = 0xffff_ffff_ffff_ffffn

/** Is `bytes` the beginning of a pcapng file? */
export function isPcapng(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && new View(bytes, true).u32(0) === wire.BLOCK_SECTION
}

/** Packets of a pcapng file, version 1.0 to 1.2, of any number of sections. Blocks of other kinds are skipped. */
export function* readPcapng(bytes: Uint8Array): Generator<CapturedPacket, void, undefined> {
  let view = new View(bytes, true)
  let devices: Device[] = []
  let sectionEnd = Number.POSITIVE_INFINITY
  for (let at = 0; at < bytes.length; ) {
    need(bytes, at, 12)
    const type = view.u32(at)
    if (type === wire.BLOCK_SECTION) {
      must(sectionEnd === Number.POSITIVE_INFINITY || at === sectionEnd, 'a section that is not as long as it says', at)
      view = new View(bytes, byteOrder(bytes, at))
      devices = []
    }
    const end = at + blockLength(view, at)
    if (type === wire.BLOCK_SECTION) sectionEnd = readSection(view, at, end)
    else if (type === wire.BLOCK_INTERFACE) devices.push(readInterface(view, at, end))
    else if (type === wire.BLOCK_STATISTICS) readStatistics(view, at, end, devices)
    else if (type === wire.BLOCK_PACKET) yield readPacket(view, at, end, devices, view.u32(at + 8))
    else if (type === wire.BLOCK_PACKET_OBSOLETE) yield readPacket(view, at, end, devices, view.u16(at + 8))
    else if (type === wire.BLOCK_SIMPLE_PACKET) yield readSimplePacket(view, at, end, devices)
    at = end
    must(at <= sectionEnd, 'a block that reaches behind its section', at)
  }
  if (sectionEnd !== Number.POSITIVE_INFINITY) need(bytes, bytes.length, sectionEnd - bytes.length)
}

function byteOrder(bytes: Uint8Array, at: number): boolean {
  for (const isLittle of [true, false]) {
    if (new View(bytes, isLittle).u32(at + 8) === wire.BYTE_ORDER_MAGIC) return isLittle
  }
  throw new PcapError('ERR_PCAP_MALFORMED', 'no byte-order magic', at + 8)
}

function blockLength(view: View, at: number): number {
  const length = view.u32(at + 4)
  must(length >= 12 && length % 4 === 0, `a block of ${length} bytes`, at + 4)
  need(view.bytes, at, length)
  must(view.u32(at + length - 4) === length, 'a block whose two lengths differ', at + length - 4)
  return length
}

/** Returns where the section ends; Infinity where it does not say. */
function readSection(view: View, at: number, end: number): number {
  must(end - at >= 28, 'a section header that is too short', at)
  const major = view.u16(at + 12)
  const minor = view.u16(at + 14)
  if (major !== 1 || (minor !== 0 && minor !== 2))
    throw new PcapError('ERR_PCAP_UNSUPPORTED', `version ${major}.${minor} of pcapng`, at + 12)
  readOptions(view, at + 24, end - 4)
  const length = view.u64(at + 16)
  return length === UNKNOWN_LENGTH ? Number.POSITIVE_INFINITY : end + Number(length)
}

function readInterface(view: View, at: number, end: number): Device {
  must(end - at >= 20, 'an interface description that is too short', at)
  const options = readOptions(view, at + 16, end - 4)
  const text = (code: number): string | undefined => textOption(view, options.get(code))
  const mac = fixedOption(options.get(wire.IF_MAC), 6)
  const resolution = fixedOption(options.get(wire.IF_TSRESOL), 1)
  const offset = fixedOption(options.get(wire.IF_TSOFFSET), 8)
  const exponent = resolution === undefined ? 6 : view.bytes[resolution]!
  return {
    described: {
      linkType: view.u16(at + 8),
      snaplen: view.u32(at + 12),
      name: text(wire.IF_NAME),
      description: text(wire.IF_DESCRIPTION),
      mac: mac === undefined ? undefined : readMac(view.bytes, mac),
      comment: text(wire.OPT_COMMENT),
      received: undefined,
      dropped: undefined,
    },
    perSecond: (exponent & 0x80) !== 0 ? 2n ** BigInt(exponent & 0x7f) : 10n ** BigInt(exponent),
    offsetNs: offset === undefined ? 0n : view.i64(offset) * NS,
  }
}

function readStatistics(view: View, at: number, end: number, devices: readonly Device[]): void {
  must(end - at >= 24, 'interface statistics that are too short', at)
  const { described } = deviceOf(devices, view.u32(at + 8), at + 8)
  const options = readOptions(view, at + 20, end - 4)
  const received = fixedOption(options.get(wire.ISB_RECEIVED), 8)
  const dropped = fixedOption(options.get(wire.ISB_DROPPED), 8)
  if (received !== undefined) described.received = Number(view.u64(received))
  if (dropped !== undefined) described.dropped = Number(view.u64(dropped))
}

/** An enhanced packet, or an obsolete one, which differs in the size of its first field only. */
function readPacket(view: View, at: number, end: number, devices: readonly Device[], index: number): CapturedPacket {
  must(end - at >= 32, 'a packet block that is too short', at)
  const device = deviceOf(devices, index, at + 8)
  const { snaplen } = device.described
  const captured = view.u32(at + 20)
  const length = view.u32(at + 24)
  const data = at + 28
  must(data + wire.padded(captured) <= end - 4, 'a packet that is longer than its block', at + 20)
  must(captured <= length, 'more bytes captured than there were', at + 20)
  must(snaplen === 0 || captured <= snaplen, 'more bytes captured than the limit', at + 20)
  const options = readOptions(view, data + wire.padded(captured), end - 4)
  const flags = fixedOption(options.get(wire.EPB_FLAGS), 4)
  const direction = flags === undefined ? 0 : view.u32(flags) & 3
  const stamp = view.timestamp(at + 12)
  return {
    interface: device.described,
    timeNs: (stamp * NS) / device.perSecond + device.offsetNs,
    direction: direction === wire.FLAG_INBOUND ? 'in' : direction === wire.FLAG_OUTBOUND ? 'out' : undefined,
    bytes: view.bytes.subarray(data, data + captured),
    length,
    comment: textOption(view, options.get(wire.OPT_COMMENT)),
  }
}

function readSimplePacket(view: View, at: number, end: number, devices: readonly Device[]): CapturedPacket {
  must(end - at >= 16, 'a simple packet block that is too short', at)
  const { described } = deviceOf(devices, 0, at)
  const length = view.u32(at + 8)
  const captured = described.snaplen === 0 ? length : Math.min(length, described.snaplen)
  must(at + 12 + wire.padded(captured) === end - 4, 'a simple packet that is not as long as its block', at + 8)
  const bytes = view.bytes.subarray(at + 12, at + 12 + captured)
  return { interface: described, timeNs: undefined, direction: undefined, bytes, length, comment: undefined }
}

function deviceOf(devices: readonly Device[], index: number, offset: number): Device {
  const device = devices[index]
  must(device !== undefined, `no interface has the number ${index}`, offset)
  return device
}
