import { type Ipv6, ipv6Equals } from '@fata/addr'
import { copyBytes, putU16 } from '@fata/bytes'
import { countDrop, type DropCounts } from '@fata/net'
import { FRAGMENT_HEADER_LEN, type FragmentHeader } from '../wire/extension-headers.ts'
import { IPV6_HEADER_LEN, MAX_PAYLOAD } from '../wire/ipv6-header.ts'
import { Outbox } from './outbox.ts'

/**
 * Reassembly of fragmented packets: RFC 8200 §4.5. An exact duplicate of a fragment is ignored; with any other overlap the packet is lost,
 * fragments that are still to come included (RFC 5722 §4). Atomic fragments (RFC 6946) never come here.
 */
export interface ReassemblyOptions {
  /** Bytes of all incomplete packets, and of those from one source. */
  readonly maxBytes: number
  readonly maxBytesPerSource: number
  readonly maxPackets: number
  /** Fragments of one packet. */
  readonly maxFragments: number
  readonly timeoutMs: number
}

/** One fragment as it arrived: `b[start..end)` is the packet from its IPv6 header on, `off` is where its Fragment header begins. */
export interface FragmentPacket {
  readonly src: Ipv6
  readonly dst: Ipv6
  readonly buf: Uint8Array
  readonly start: number
  readonly off: number
  readonly end: number
  /** Where the Next Header field stands that names the Fragment header. */
  readonly namedAt: number
  readonly trafficClass: number
  /** It came by a link-layer multicast, or is for a group. */
  readonly multicast: boolean
}

/** A packet put together: `bytes` from its IPv6 header on, without the Fragment header, whose place `off` is. */
export interface Reassembled {
  readonly bytes: Uint8Array
  readonly off: number
  readonly namedAt: number
  readonly trafficClass: number
}

/** A packet that was not completed in time and whose first fragment is there: it is quoted in a time exceeded error. */
export interface TimedOut {
  readonly src: Ipv6
  readonly dst: Ipv6
  readonly multicast: boolean
  readonly first: Uint8Array
}

interface Piece {
  readonly offset: number
  readonly data: Uint8Array
}

interface Incomplete {
  /** Nothing will come of it; it stays to swallow what comes. */
  isLost: boolean
  readonly src: Ipv6
  readonly dst: Ipv6
  readonly id: number
  readonly until: number
  /** In order of their offsets, none overlapping. */
  readonly pieces: Piece[]
  bytes: number
  /** Of the fragmentable part; undefined until the last fragment is there. */
  length: number | undefined
  /** The first fragment, up to and including its Fragment header. */
  head: { readonly bytes: Uint8Array; readonly namedAt: number; readonly trafficClass: number } | undefined
  multicast: boolean
  /** ECN fields seen, one bit for each: RFC 3168 §5.3. */
  ecnSeen: number
}

/** What keeping a fragment costs beyond its bytes. */
const PIECE_COST = 64
const ECN = 3
const NOT_ECT = 1 << 0
const CE = 1 << 3

export class Reassembly {
  readonly #options: ReassemblyOptions
  readonly #dropped: DropCounts
  readonly #out = new Outbox<TimedOut>()
  /** Least recently used first. */
  readonly #list: Incomplete[] = []
  #bytes = 0

  constructor(options: ReassemblyOptions, dropped: DropCounts) {
    this.#options = options
    this.#dropped = dropped
  }

  /** Packets that wait for fragments. */
  get size(): number {
    return this.#list.filter((packet) => !packet.isLost).length
  }

  /** What their fragments take. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Takes a fragment whose length and offset the receiver has checked; its bytes are copied. The packet where it is complete,
   * else undefined.
   */
  add(now: number, fragment: FragmentPacket, header: FragmentHeader): Reassembled | undefined {
    const { buf, end } = fragment
    const packet = this.#find(fragment, header.id) ?? this.#begin(now, fragment, header.id)
    const from = fragment.off + FRAGMENT_HEADER_LEN
    if (packet.isLost) return this.#refuse('fragment-of-lost')
    const data = buf.slice(from, end)
    const fit = fitsInto(packet, header.offset, data, header.more)
    if (fit === 'duplicate') return this.#refuse('fragment-duplicate')
    if (fit === 'overlap') return this.#lose(packet, 'fragment-overlap')
    if (packet.pieces.length >= this.#options.maxFragments) return this.#lose(packet, 'too-many-fragments')

    this.#store(packet, header.offset, data)
    if (!header.more) packet.length = header.offset + data.length
    if (header.offset === 0) packet.head = headOf(fragment, header)
    packet.multicast ||= fragment.multicast
    packet.ecnSeen |= 1 << (fragment.trafficClass & ECN)
    if (packet.length === undefined || !isWhole(packet)) {
      this.#makeRoom(packet)
      return undefined
    }
    this.#remove(packet)
    return this.#join(packet)
  }

  #refuse(reason: string): undefined {
    countDrop(this.#dropped, reason)
    return undefined
  }

  #lose(packet: Incomplete, reason: string): undefined {
    packet.isLost = true
    packet.pieces.length = 0
    packet.head = undefined
    this.#bytes -= packet.bytes
    packet.bytes = 0
    return this.#refuse(reason)
  }

  #abandon(packet: Incomplete, reason: string): undefined {
    this.#remove(packet)
    return this.#refuse(reason)
  }

  #find(fragment: FragmentPacket, id: number): Incomplete | undefined {
    const index = this.#list.findIndex(
      (p) => p.id === id && ipv6Equals(p.src, fragment.src) && ipv6Equals(p.dst, fragment.dst),
    )
    if (index < 0) return undefined
    const [packet] = this.#list.splice(index, 1)
    this.#list.push(packet!)
    return packet
  }

  #begin(now: number, { src, dst }: FragmentPacket, id: number): Incomplete {
    const packet: Incomplete = {
      isLost: false,
      src,
      dst,
      id,
      until: now + this.#options.timeoutMs,
      pieces: [],
      bytes: 0,
      length: undefined,
      head: undefined,
      multicast: false,
      ecnSeen: 0,
    }
    this.#list.push(packet)
    if (this.#list.length > this.#options.maxPackets) this.#abandon(this.#list[0]!, 'reassembly-full')
    return packet
  }

  #store(packet: Incomplete, offset: number, data: Uint8Array): void {
    let i = packet.pieces.length
    while (i > 0 && packet.pieces[i - 1]!.offset > offset) i--
    packet.pieces.splice(i, 0, { offset, data })
    packet.bytes += data.length + PIECE_COST
    this.#bytes += data.length + PIECE_COST
  }

  /** Lets go of others for the sake of `packet`: first of those from the same source where that has too much, else the least recently used. */
  #makeRoom(packet: Incomplete): void {
    const { maxBytes, maxBytesPerSource } = this.#options
    while (this.#bytesFrom(packet.src) > maxBytesPerSource) {
      this.#abandon(this.#list.find((p) => p.bytes > 0 && ipv6Equals(p.src, packet.src))!, 'reassembly-full')
    }
    while (this.#bytes > maxBytes) this.#abandon(this.#list.find((p) => p.bytes > 0)!, 'reassembly-full')
  }

  #bytesFrom(src: Ipv6): number {
    let bytes = 0
    for (const packet of this.#list) if (ipv6Equals(packet.src, src)) bytes += packet.bytes
    return bytes
  }

  #remove(packet: Incomplete): void {
    this.#list.splice(this.#list.indexOf(packet), 1)
    this.#bytes -= packet.bytes
  }

  #join(packet: Incomplete): Reassembled | undefined {
    const { head, pieces, length, ecnSeen } = packet
    const prefix = head!.bytes.length - FRAGMENT_HEADER_LEN
    if (prefix - IPV6_HEADER_LEN + length! > MAX_PAYLOAD) return this.#refuse('reassembled-too-long')
    // RFC 3168 §5.3: a mark of congestion must not get lost, nor appear on a packet that was not capable of it.
    if ((ecnSeen & CE) !== 0 && (ecnSeen & NOT_ECT) !== 0) return this.#refuse('fragment-ecn-mixed')
    const bytes = new Uint8Array(prefix + length!)
    copyBytes(bytes, 0, head!.bytes, 0, prefix)
    for (const { offset, data } of pieces) copyBytes(bytes, prefix + offset, data)
    bytes[head!.namedAt] = head!.bytes[prefix]!
    putU16(bytes, 4, bytes.length - IPV6_HEADER_LEN)
    const trafficClass = (ecnSeen & CE) !== 0 ? head!.trafficClass | ECN : head!.trafficClass
    return { bytes, off: prefix, namedAt: head!.namedAt, trafficClass }
  }

  deadline(): number {
    let at = Number.POSITIVE_INFINITY
    for (const packet of this.#list) at = Math.min(at, packet.until)
    return at
  }

  poll(): TimedOut | undefined {
    return this.#out.poll()
  }

  timeout(now: number): void {
    for (const packet of this.#list.filter((p) => p.until <= now)) {
      this.#remove(packet)
      if (packet.isLost) continue
      this.#refuse('reassembly-timeout')
      const { head, pieces, src, dst, multicast } = packet
      if (head === undefined) continue
      const data = pieces[0]!.data
      const first = new Uint8Array(head.bytes.length + data.length)
      copyBytes(first, 0, head.bytes)
      copyBytes(first, head.bytes.length, data)
      this.#out.push({ src, dst, multicast, first })
    }
  }
}

function headOf(fragment: FragmentPacket, header: FragmentHeader): Incomplete['head'] {
  const { buf, start, off, namedAt, trafficClass } = fragment
  const bytes = buf.slice(start, off + FRAGMENT_HEADER_LEN)
  bytes[off - start] = header.nextHeader
  return { bytes, namedAt: namedAt - start, trafficClass }
}

/** Whether the bytes at `from` are new. */
function fitsInto(packet: Incomplete, from: number, bytes: Uint8Array, more: boolean): 'new' | 'duplicate' | 'overlap' {
  const { length, pieces } = packet
  const to = from + bytes.length
  for (const { offset, data } of pieces) {
    const end = offset + data.length
    if (offset === from && isSame(data, bytes) && more === (length !== end)) return 'duplicate'
    if (offset < to && from < end) return 'overlap'
    // The last fragment says where the packet ends; nothing may lie behind.
    if (!more && end > to) return 'overlap'
  }
  if (length !== undefined && (!more || to > length)) return 'overlap'
  return 'new'
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

function isWhole({ pieces, length }: Incomplete): boolean {
  let at = 0
  for (const { offset, data } of pieces) {
    if (offset !== at) return false
    at += data.length
  }
  return at === length
}
