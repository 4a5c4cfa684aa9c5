import type { Ipv4 } from '@fata/addr'
import { copyBytes } from '@fata/bytes'
import type { Ipv4Header } from '../wire.ts'

/** Why a fragment or the datagram that it belongs to was dropped. */
export type FragmentDrop =
  | 'fragment-empty'
  | 'fragment-length'
  | 'fragment-too-far'
  | 'fragment-overlap'
  | 'fragment-ecn'
  | 'fragment-duplicate'
  | 'fragment-too-many'
  | 'fragment-of-dropped'
  | 'fragment-evicted'
  | 'fragment-timeout'

/** One fragment's bytes: `bytes[data..)` stands at `from` in the datagram's payload. The first one keeps its header before them. */
interface Piece {
  readonly from: number
  readonly to: number
  readonly bytes: Uint8Array
  readonly data: number
}

const CE = 3

/** A datagram whose fragments are being collected. Pieces are disjoint and in order. */
export class Datagram {
  readonly src: Ipv4
  readonly dst: Ipv4
  readonly protocol: number
  readonly expiresAt: number
  #pieces: Piece[] = []
  /** Payload length, known from the last fragment on. */
  #total = Number.POSITIVE_INFINITY
  /** Bit n: ECN codepoint n was seen. */
  #ecn = 0
  /** Payload bytes held. */
  bytes = 0
  /** Dropped; its place is kept. */
  dead = false
  /** Some fragment came to a link-layer group. */
  multicast = false
  /** The first fragment as it came, header and all. */
  first: Uint8Array | undefined
  #ttl = 0
  #trafficClass = 0

  constructor(h: Ipv4Header, expiresAt: number) {
    this.src = h.src
    this.dst = h.dst
    this.protocol = h.protocol
    this.expiresAt = expiresAt
  }

  get count(): number {
    return this.#pieces.length
  }

  get complete(): boolean {
    return this.bytes === this.#total
  }

  /** Of the first fragment. */
  get ttl(): number {
    return this.#ttl
  }

  /** Of the first fragment; congestion that any fragment experienced is told (RFC 3168 §5.3). */
  get trafficClass(): number {
    return (this.#ecn & (1 << CE)) !== 0 ? this.#trafficClass | CE : this.#trafficClass
  }

  /** Bytes of the first fragment's header; 0 before it came. */
  get headerLength(): number {
    return this.#pieces[0]?.from === 0 ? this.#pieces[0].data : 0
  }

  /** Why the fragment with payload `b[data..)`, which ends at `to` in the datagram, does not go with those that are here. */
  place(h: Ipv4Header, b: Uint8Array, data: number, to: number): FragmentDrop | undefined {
    const from = h.fragmentOffset
    // Pieces are disjoint, so only the last one that begins before the end can reach into the fragment.
    let i = this.#pieces.length - 1
    while (i >= 0 && this.#pieces[i]!.from >= to) i--
    const p = this.#pieces[i]
    if (p !== undefined && p.to > from) {
      const duplicate = p.from === from && p.to === to && (to === this.#total) !== h.moreFragments && equal(p, b, data)
      return duplicate ? 'fragment-duplicate' : 'fragment-overlap'
    }
    const farthest = this.#pieces.at(-1)?.to ?? 0
    if (to > this.#total || (!h.moreFragments && (to < farthest || this.#total !== Number.POSITIVE_INFINITY)))
      return 'fragment-overlap'
    const ecn = this.#ecn | (1 << (h.trafficClass & 3))
    // RFC 3168 §5.3: a path that sets ECT or CE on some fragments of a datagram that is Not-ECT is broken.
    return (ecn & 1) !== 0 && ecn !== 1 ? 'fragment-ecn' : undefined
  }

  /** The fragment, which `place` let pass and which ends at `to`, is all that is missing. */
  completedBy(h: Ipv4Header, to: number): boolean {
    return this.bytes + (to - h.fragmentOffset) === (h.moreFragments ? this.#total : to)
  }

  /** Adds the fragment that `place` let pass. */
  insert(h: Ipv4Header, b: Uint8Array, off: number, end: number, multicast: boolean): void {
    const from = h.fragmentOffset
    const data = off + h.headerLength
    const start = from === 0 ? off : data
    const bytes = new Uint8Array(end - start)
    copyBytes(bytes, 0, b, start, end)
    const piece: Piece = { from, to: from + end - data, bytes, data: data - start }
    let i = this.#pieces.length
    while (i > 0 && this.#pieces[i - 1]!.from > from) i--
    this.#pieces.splice(i, 0, piece)
    this.bytes += end - data
    this.#ecn |= 1 << (h.trafficClass & 3)
    this.multicast ||= multicast
    if (!h.moreFragments) this.#total = piece.to
    if (from !== 0) return
    this.first = piece.bytes
    this.#ttl = h.ttl
    this.#trafficClass = h.trafficClass
  }

  /** The whole packet, with the first fragment's header, has at most `max` bytes. */
  fits(max: number): boolean {
    return this.headerLength + this.#total <= max
  }

  kill(): void {
    this.dead = true
    this.#pieces = []
    this.first = undefined
    this.bytes = 0
  }

  /** Copies the first fragment's header, as it came, and the payload of all to `dst[at..)`; returns the end. */
  copyTo(dst: Uint8Array, at: number): number {
    const first = this.#pieces[0]!
    let o = at + copyBytes(dst, at, first.bytes, 0, first.data)
    for (const p of this.#pieces) o += copyBytes(dst, o, p.bytes, p.data)
    return o
  }
}

function equal(p: Piece, b: Uint8Array, data: number): boolean {
  for (let i = p.data, j = data; i < p.bytes.length; i++, j++) if (p.bytes[i] !== b[j]) return false
  return true
}
