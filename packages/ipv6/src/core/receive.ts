import { IPV6_ANY, type Ipv6 } from '@fata/addr'
import { type IpPacket, PROTOCOL_ICMPV6 } from '@fata/ip'
import { countDrop, createFrameMeta, type FrameMeta, resetFrameMeta } from '@fata/net'
import {
  DESTINATION_OPTIONS,
  decodeFragmentHeader,
  FRAGMENT,
  FRAGMENT_HEADER_LEN,
  FRAGMENT_OFFSET_FIELD,
  HOP_BY_HOP,
  NO_NEXT_HEADER,
  ROUTING,
} from '../wire/extension-headers.ts'
import {
  type ChainRefusal,
  createHeaderChain,
  type HeaderLimits,
  holdsUpperLayerHeader,
  startChain,
  walkHeaders,
} from '../wire/header-chain.ts'
import {
  EXCEEDED_REASSEMBLY,
  ICMPV6_DESTINATION_UNREACHABLE,
  ICMPV6_PARAMETER_PROBLEM,
  ICMPV6_TIME_EXCEEDED,
  PARAMETER_ERRONEOUS_FIELD,
  PARAMETER_INCOMPLETE_CHAIN,
  PARAMETER_UNRECOGNIZED_NEXT_HEADER,
  UNREACHABLE_PORT,
} from '../wire/icmpv6.ts'
import {
  checkIpv6,
  hopLimitOf,
  IPV6_HEADER_LEN,
  MAX_PAYLOAD,
  NEXT_HEADER,
  PAYLOAD_LENGTH_FIELD,
  payloadLengthOf,
  trafficClassOf,
} from '../wire/ipv6-header.ts'
import { AddressPair } from './address-pair.ts'
import type { Host } from './host.ts'
import { sendIcmpError } from './icmp-errors.ts'
import { handleIcmpv6, type IcmpVerdict } from './icmp-input.ts'

/** What a packet may be received by: the parts of a link's frame that matter here. */
export interface Arrival {
  readonly multicast: boolean
  readonly meta: FrameMeta
}

/** What is to be done with a packet: hand its segment to a transport; let `process` see to it; nothing. */
export type Acceptance = 'deliver' | 'process' | 'dropped'

/** What is left to be done after `process`. */
export type Verdict = IcmpVerdict | 'deliver'

/** The receiving half, RFC 8200 §4. One packet is at hand at a time; it is described by the fields, which are an `IpPacket`. */
export class Receiver implements IpPacket {
  readonly #host: Host
  readonly #limits: HeaderLimits
  readonly #pair: AddressPair
  readonly #chain = createHeaderChain()
  readonly #noMeta = createFrameMeta()

  src: Ipv6 = IPV6_ANY
  dst: Ipv6 = IPV6_ANY
  protocol = 0
  ttl = 0
  trafficClass = 0
  multicast = false
  meta: FrameMeta = this.#noMeta

  /** The packet stands at `buf[start..end)`, its segment at `buf[off..end)`. */
  buf: Uint8Array = new Uint8Array(0)
  start = 0
  off = 0
  end = 0
  /** Where the Next Header field stands that names the segment's protocol. */
  namedAt: number = NEXT_HEADER
  routerAlert = false
  fragmented = false
  ownSource = false

  constructor(host: Host) {
    this.#host = host
    this.#pair = new AddressPair(host)
    const { maxExtensionHeaders, maxHeaderOptions, maxHeaderPadding } = host.settings
    this.#limits = { maxHeaders: maxExtensionHeaders, maxOptions: maxHeaderOptions, maxPadding: maxHeaderPadding }
  }

  /** The checksum of the segment needs no verification. */
  get verified(): boolean {
    return this.meta.checksum !== 'none'
  }

  /**
   * Takes the packet at `buf[off..end)`, which comes by the link or, where `arrival` is undefined, from this host itself. Transport
   * segments without extension headers are ready for delivery at once: nothing is allocated, and no time is needed.
   */
  accept(buf: Uint8Array, off: number, end: number, arrival: Arrival | undefined, loopMeta?: FrameMeta): Acceptance {
    const malformed = checkIpv6(buf, off, end)
    if (malformed !== undefined && malformed !== 'jumbogram') return this.#drop(malformed)
    if (this.#host.disabled) return this.#drop('disabled')
    this.#pair.read(buf, off)
    this.#describe(buf, off, arrival, loopMeta)
    const refusal = this.#pair.refusal(arrival === undefined, isTransport(this.protocol))
    if (refusal !== undefined) return this.#drop(refusal)
    if (malformed === 'jumbogram') this.end = end
    else if (arrival !== undefined) this.#host.stats.received++
    return isTransport(this.protocol) ? 'deliver' : 'process'
  }

  #drop(reason: string): 'dropped' {
    countDrop(this.#host.stats.dropped, reason)
    return 'dropped'
  }

  #describe(buf: Uint8Array, off: number, arrival: Arrival | undefined, loopMeta: FrameMeta | undefined): void {
    this.src = this.#pair.src
    this.dst = this.#pair.dst
    this.buf = buf
    this.start = off
    this.off = off + IPV6_HEADER_LEN
    this.end = this.off + payloadLengthOf(buf, off)
    this.namedAt = off + NEXT_HEADER
    this.protocol = buf[this.namedAt]!
    this.ttl = hopLimitOf(buf, off)
    this.trafficClass = trafficClassOf(buf, off)
    this.multicast = this.#pair.dstClass === 'group' || (arrival?.multicast ?? false)
    this.meta = arrival?.meta ?? loopMeta ?? this.#noMeta
    this.routerAlert = false
    this.fragmented = false
    this.ownSource = arrival !== undefined && this.#pair.srcClass === 'own'
  }

  /** Sees to an accepted packet that is no plain transport segment. */
  process(now: number): Verdict {
    if (this.protocol === HOP_BY_HOP && payloadLengthOf(this.buf, this.start) === 0) return this.#refuseJumbogram(now)
    let first = this.off
    startChain(this.#chain, this.buf, this.namedAt, this.off)
    for (let fragments = 0; ; fragments++) {
      const refusal = walkHeaders(this.#chain, this.buf, this.end, first, this.#limits)
      if (refusal !== undefined) return this.#refuseChain(now, refusal)
      if (this.#chain.protocol !== FRAGMENT) return this.#dispatch(now)
      if (fragments === this.#limits.maxHeaders) return this.#done('too-many-headers')
      if (!this.#takeFragment(now)) return 'done'
      first = -1
    }
  }

  /** RFC 2675 §3: what a node answers that takes none. */
  #refuseJumbogram(now: number): 'done' {
    this.#parameterProblem(now, PARAMETER_ERRONEOUS_FIELD, this.start + PAYLOAD_LENGTH_FIELD, false)
    return this.#done('jumbogram')
  }

  #done(reason: string): 'done' {
    this.#drop(reason)
    return 'done'
  }

  #refuseChain(now: number, reason: ChainRefusal): 'done' {
    const { code, pointer, evenMulticast } = this.#chain
    if (code >= 0) this.#parameterProblem(now, code, pointer, evenMulticast)
    return this.#done(reason)
  }

  #dispatch(now: number): Verdict {
    const { protocol, off, namedAt, routerAlert } = this.#chain
    this.protocol = protocol
    this.off = off
    this.namedAt = namedAt
    this.routerAlert = routerAlert
    if (protocol === PROTOCOL_ICMPV6) return handleIcmpv6(this.#host, now, this)
    if (protocol === NO_NEXT_HEADER) return this.#done('no-next-header')
    if (this.ownSource) return this.#done('own-source')
    if (this.#pair.isFiltered) return this.#done('source-filtered')
    return this.#pair.srcClass === 'unspecified' ? this.#done('unspecified-source') : 'deliver'
  }

  /** True where the packet is whole (again), and its headers go on. */
  #takeFragment(now: number): boolean {
    const { buf, start, end } = this
    const { off, namedAt } = this.#chain
    const header = decodeFragmentHeader(buf, off, end)
    if (typeof header === 'string') return this.#refuseFragment('truncated-header')
    this.fragmented = true
    if (header.offset === 0 && !header.more) {
      this.#chain.protocol = header.nextHeader
      this.#chain.namedAt = off
      this.#chain.off = off + FRAGMENT_HEADER_LEN
      return true
    }
    const length = end - off - FRAGMENT_HEADER_LEN
    if (length === 0) return this.#refuseFragment('fragment-empty')
    if (header.more && length % 8 !== 0) {
      this.#parameterProblem(now, PARAMETER_ERRONEOUS_FIELD, start + PAYLOAD_LENGTH_FIELD, false)
      return this.#refuseFragment('fragment-bad-length')
    }
    if (off - start - IPV6_HEADER_LEN + header.offset + length > MAX_PAYLOAD) {
      this.#parameterProblem(now, PARAMETER_ERRONEOUS_FIELD, off + FRAGMENT_OFFSET_FIELD, false)
      return this.#refuseFragment('fragment-too-far')
    }
    if (header.offset === 0 && !this.#holdsChain(off)) {
      this.#parameterProblem(now, PARAMETER_INCOMPLETE_CHAIN, start, false)
      return this.#refuseFragment('fragment-incomplete-chain')
    }
    const { src, dst, trafficClass, multicast } = this
    const fragment = { src, dst, buf, start, off, end, namedAt, trafficClass, multicast }
    const whole = this.#host.reassembly.add(now, fragment, header)
    if (whole === undefined) return false
    this.#host.stats.reassembled++
    this.#become(whole.bytes, whole.trafficClass)
    this.#chain.protocol = whole.bytes[whole.namedAt]!
    this.#chain.namedAt = whole.namedAt
    this.#chain.off = whole.off
    return true
  }

  #refuseFragment(reason: string): false {
    this.#drop(reason)
    return false
  }

  readonly #upper = createHeaderChain()

  #holdsChain(fragmentHeader: number): boolean {
    startChain(this.#upper, this.buf, fragmentHeader, fragmentHeader + FRAGMENT_HEADER_LEN)
    return holdsUpperLayerHeader(this.#upper, this.buf, this.end)
  }

  #become(bytes: Uint8Array, trafficClass: number): void {
    this.buf = bytes
    this.start = 0
    this.end = bytes.length
    this.trafficClass = trafficClass
    resetFrameMeta(this.#noMeta)
    this.meta = this.#noMeta
  }

  #parameterProblem(now: number, code: number, pointer: number, evenMulticast: boolean): void {
    const rest = code === PARAMETER_INCOMPLETE_CHAIN ? 0 : pointer - this.start
    sendIcmpError(this.#host, now, this, { type: ICMPV6_PARAMETER_PROBLEM, code, rest, evenMulticast })
  }

  /** Nobody took the segment at hand; nobody speaks its protocol where `known` is false. */
  unclaimed(now: number, known: boolean): void {
    this.#drop(known ? 'port-unreachable' : 'unknown-protocol')
    if (!known) {
      this.#parameterProblem(now, PARAMETER_UNRECOGNIZED_NEXT_HEADER, this.namedAt, false)
      return
    }
    const error = { type: ICMPV6_DESTINATION_UNREACHABLE, code: UNREACHABLE_PORT, rest: 0, evenMulticast: false }
    sendIcmpError(this.#host, now, this, error)
  }
}

/** Neither ICMPv6, which is spoken here, nor an extension header that is known here. */
function isTransport(protocol: number): boolean {
  switch (protocol) {
    case HOP_BY_HOP:
    case ROUTING:
    case FRAGMENT:
    case DESTINATION_OPTIONS:
    case NO_NEXT_HEADER:
    case PROTOCOL_ICMPV6:
      return false
    default:
      return true
  }
}

/** Tells the source that a packet was not completed in time, RFC 8200 §4.5. */
export function sendReassemblyTimeout(
  host: Host,
  now: number,
  {
    src,
    dst,
    multicast,
    first,
  }: { readonly src: Ipv6; readonly dst: Ipv6; readonly multicast: boolean; readonly first: Uint8Array },
): void {
  const invoking = { src, dst, multicast, buf: first, start: 0, end: first.length }
  const error = { type: ICMPV6_TIME_EXCEEDED, code: EXCEEDED_REASSEMBLY, rest: 0, evenMulticast: false }
  sendIcmpError(host, now, invoking, error)
}
