import { type Ipv6, ipv6, ipv6Prefix, type Mac, mac } from '@fata/addr'
import { checksum, putU16 } from '@fata/bytes'
import { PROTOCOL_ICMPV6, PROTOCOL_UDP, pseudoHeaderSum } from '@fata/ip'
import {
  decodeIcmpv6,
  decodeIpv6Header,
  decodeMldReport,
  decodeNd,
  encodeFragmentHeader,
  encodeIcmpv6,
  encodeIpv6Header,
  encodeMldQuery,
  encodeNd,
  encodeRouterAlert,
  FRAGMENT,
  finishIcmpv6,
  HOP_BY_HOP,
  ICMPV6_MLD_REPORT_V2,
  IPV6_HEADER_LEN,
  isNd,
  type MldQuery,
  type NdMessage,
  type NdOptions,
  ndLength,
  type PrefixInformation,
  type RouterAdvertisement,
} from '../src/wire.ts'

// Packets as tests write and read them.

/** What stands in an IPv6 header, as text where that is shorter. */
export interface Fields {
  readonly src: string
  readonly dst: string
  readonly hopLimit?: number
  readonly trafficClass?: number
  readonly nextHeader?: number
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((n, part) => n + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

export function bytes(length: number, first = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => first + i)
}

/** A packet with this payload, whose first header is `fields.nextHeader`. */
export function packet(fields: Fields, payload: Uint8Array): Uint8Array {
  const header = new Uint8Array(IPV6_HEADER_LEN)
  encodeIpv6Header(header, 0, {
    trafficClass: fields.trafficClass ?? 0,
    flowLabel: 0,
    payloadLength: payload.length,
    nextHeader: fields.nextHeader ?? PROTOCOL_UDP,
    hopLimit: fields.hopLimit ?? 64,
    src: ipv6(fields.src),
    dst: ipv6(fields.dst),
  })
  return concat(header, payload)
}

/** A UDP datagram with a right checksum. */
export function udpSegment(src: string, dst: string, data: Uint8Array, srcPort = 1000, dstPort = 2000): Uint8Array {
  const b = new Uint8Array(8 + data.length)
  putU16(b, 0, srcPort)
  putU16(b, 2, dstPort)
  putU16(b, 4, b.length)
  b.set(data, 8)
  putU16(b, 6, checksum(b, 0, b.length, pseudoHeaderSum(ipv6(src), ipv6(dst), PROTOCOL_UDP, b.length)))
  return b
}

export function udp(fields: Fields, data: Uint8Array = bytes(4)): Uint8Array {
  return packet({ ...fields, nextHeader: PROTOCOL_UDP }, udpSegment(fields.src, fields.dst, data))
}

/** An ICMPv6 message with its checksum. */
export function icmpMessage(
  src: string,
  dst: string,
  type: number,
  code: number,
  rest: number,
  body: Uint8Array,
): Uint8Array {
  const b = concat(new Uint8Array(8), body)
  encodeIcmpv6(b, 0, { type, code, rest })
  finishIcmpv6(b, 0, b.length, ipv6(src), ipv6(dst))
  return b
}

export function icmp(
  fields: Fields,
  type: number,
  { code = 0, rest = 0, body = new Uint8Array(0) }: { code?: number; rest?: number; body?: Uint8Array } = {},
): Uint8Array {
  return packet({ ...fields, nextHeader: PROTOCOL_ICMPV6 }, icmpMessage(fields.src, fields.dst, type, code, rest, body))
}

export function echo(fields: Fields, data: Uint8Array = bytes(8), type = 128, rest = 0x12340001): Uint8Array {
  return icmp(fields, type, { rest, body: data })
}

export function ndMessage(fields: Fields, message: NdMessage): Uint8Array {
  const b = new Uint8Array(ndLength(message))
  encodeNd(b, 0, message)
  finishIcmpv6(b, 0, b.length, ipv6(fields.src), ipv6(fields.dst))
  return b
}

export function nd(fields: Fields, message: NdMessage): Uint8Array {
  return packet({ hopLimit: 255, ...fields, nextHeader: PROTOCOL_ICMPV6 }, ndMessage(fields, message))
}

export function ns(fields: Fields, target: string, options: NdOptions = {}): Uint8Array {
  return nd(fields, { kind: 'neighbor-solicitation', target: ipv6(target), options })
}

export function na(
  fields: Fields,
  target: string,
  flags: { router?: boolean; solicited?: boolean; override?: boolean },
  targetLinkLayer?: Mac,
): Uint8Array {
  const options: NdOptions = targetLinkLayer === undefined ? {} : { targetLinkLayer }
  const all = { router: false, solicited: false, override: false, ...flags }
  return nd(fields, { kind: 'neighbor-advertisement', target: ipv6(target), ...all, options })
}

const SILENT: RouterAdvertisement = {
  kind: 'router-advertisement',
  curHopLimit: 0,
  managed: false,
  other: false,
  preference: 'medium',
  routerLifetime: 0,
  reachableTime: 0,
  retransTimer: 0,
  options: {},
}

export function ra(said: Partial<RouterAdvertisement>, fields: Partial<Fields> = {}): Uint8Array {
  return nd({ src: 'fe80::1', dst: 'ff02::1', ...fields }, { ...SILENT, ...said, kind: 'router-advertisement' })
}

/** A prefix on the link and for addresses, unless it is said to be otherwise. */
export function pio(text: string, said: Partial<PrefixInformation> = {}): PrefixInformation {
  return {
    prefix: ipv6Prefix(text),
    onLink: true,
    autonomous: true,
    validLifetime: 7200,
    preferredLifetime: 3600,
    ...said,
  }
}

/** An advertisement of `fe80::1` at `02:00:00:00:00:01`. */
export const withRouter = (options: NdOptions = {}, routerLifetime = 1800): Uint8Array =>
  ra({ routerLifetime, options: { sourceLinkLayer: mac('02:00:00:00:00:01'), ...options } })

export function mldQuery(query: Partial<MldQuery>, fields: Partial<Fields> = {}): Uint8Array {
  const all: MldQuery = {
    version: 2,
    group: ipv6('::'),
    maxResponseDelay: 10_000,
    robustness: 2,
    queryInterval: 125,
    sources: [],
    ...query,
  }
  const src = fields.src ?? 'fe80::1'
  const dst = fields.dst ?? 'ff02::1'
  const b = new Uint8Array(8 + 28 + 16 * all.sources.length)
  const end = encodeMldQuery(b, 8, all)
  finishIcmpv6(b, 8, end, ipv6(src), ipv6(dst))
  encodeRouterAlert(b, 0, PROTOCOL_ICMPV6)
  return packet({ hopLimit: 1, ...fields, src, dst, nextHeader: HOP_BY_HOP }, b.subarray(0, end))
}

/** Cuts the payload of a packet into fragments at these offsets. */
export function fragments(fields: Fields, payload: Uint8Array, cuts: readonly number[], id = 7): Uint8Array[] {
  const edges = [0, ...cuts, payload.length]
  return edges.slice(0, -1).map((from, i) => {
    const to = edges[i + 1]!
    return fragment(fields, payload.subarray(from, to), from, to < payload.length, id)
  })
}

export function fragment(fields: Fields, data: Uint8Array, offset: number, more: boolean, id = 7): Uint8Array {
  const header = new Uint8Array(8)
  encodeFragmentHeader(header, 0, { nextHeader: fields.nextHeader ?? PROTOCOL_UDP, offset, more, id })
  return packet({ ...fields, nextHeader: FRAGMENT }, concat(header, data))
}

/** What a sent packet says, in one readable record. */
export interface Shown {
  readonly src: Ipv6
  readonly dst: Ipv6
  readonly hopLimit: number
  readonly nextHeader: number
  readonly payload: Uint8Array
  /** Of ICMPv6 without extension headers, or behind a hop-by-hop header. */
  readonly type: number | undefined
  readonly code: number | undefined
  readonly rest: number
  readonly body: Uint8Array
  readonly nd: NdMessage | undefined
  readonly mld: ReturnType<typeof decodeMldReport> | undefined
}

/** Reads a sent packet; throws where it is malformed or its ICMPv6 checksum is wrong. */
export function show(b: Uint8Array): Shown {
  const header = decodeIpv6Header(b, 0, b.length)
  if (typeof header === 'string') throw new Error(header)
  const { src, dst, hopLimit, nextHeader } = header
  if (b.length !== IPV6_HEADER_LEN + header.payloadLength) throw new Error('trailing bytes')
  const payload = b.subarray(IPV6_HEADER_LEN)
  const plain = { src, dst, hopLimit, nextHeader, payload, type: undefined, code: undefined, rest: 0 }
  const none = { body: payload, nd: undefined, mld: undefined }
  const off = nextHeader === PROTOCOL_ICMPV6 ? 40 : nextHeader === HOP_BY_HOP ? 48 : -1
  if (off < 0) return { ...plain, ...none }
  const message = decodeIcmpv6(b, off, b.length, src, dst)
  if (typeof message === 'string') throw new Error(message)
  const decoded = isNd(message.type) ? decodeNd(b, off, b.length, header) : undefined
  if (typeof decoded === 'string') throw new Error(decoded)
  const mld = message.type === ICMPV6_MLD_REPORT_V2 ? decodeMldReport(b, off, b.length) : undefined
  return { ...plain, ...message, body: b.subarray(off + 8), nd: decoded, mld }
}
