import type { Ipv4 } from '@fata/addr'
import { countDrop, type DropCounts } from '@fata/net'
import { type Ipv4Header, MAX_LENGTH } from '../wire.ts'
import { Datagram, type FragmentDrop } from './datagram.ts'

/** Bounds of the reassembly. Options of the same names. */
export interface ReassemblyLimits {
  readonly reassemblyBytes: number
  readonly reassemblyBytesPerSource: number
  readonly maxFragments: number
  readonly maxDatagrams: number
  readonly reassemblyTimeoutMs: number
}

/**
 * Puts datagrams together from their fragments, RFC 791 §3.2 and RFC 1122 §3.3.2. Fragments may come in any order; an exact duplicate
 * is ignored. Any other overlap drops the datagram with all that is still to come of it, since overlaps are how filters are
 * bypassed (RFC 5722 decided so for IPv6). Under memory pressure the least recently used datagram goes first.
 *
 * Differs from the RFC in: the timeout is 10 s, not 60 to 120 (RFC 1122 §3.3.2), counted from the first fragment that came.
 */
export class Reassembly {
  readonly #limits: ReassemblyLimits
  readonly #dropped: DropCounts
  /** By age: what comes first times out first. */
  readonly #datagrams = new Map<string, Datagram>()
  /** The same, least recently used first. */
  readonly #recent = new Map<string, Datagram>()
  readonly #bySource = new Map<Ipv4, number>()
  readonly #timedOut: Datagram[] = []
  #bytes = 0

  /** Counts what it drops in `dropped`. */
  constructor(limits: ReassemblyLimits, dropped: DropCounts) {
    this.#limits = limits
    this.#dropped = dropped
  }

  /** Payload bytes held. */
  get bytes(): number {
    return this.#bytes
  }

  /** Datagrams under way, those included whose remaining fragments are being dropped. */
  get size(): number {
    return this.#datagrams.size
  }

  /**
   * Takes the fragment whose header `h` stands at `b[off..)` and whose payload ends at `end`; copies what it keeps. `multicast`: it came
   * to a group. Returns the datagram that it completes, which is the caller's then.
   */
  add(now: number, h: Ipv4Header, b: Uint8Array, off: number, end: number, multicast: boolean): Datagram | undefined {
    this.timeout(now)
    const data = off + h.headerLength
    const to = h.fragmentOffset + (end - data)
    const refusal = refuse(h, end - data, to)
    if (refusal !== undefined) return this.#count(refusal)
    const key = keyOf(h)
    const datagram = this.#datagrams.get(key) ?? this.#open(now, key, h)
    this.#recent.delete(key)
    this.#recent.set(key, datagram)
    if (datagram.dead) return this.#count('fragment-of-dropped')

    const verdict = datagram.place(h, b, data, to)
    if (verdict === 'fragment-duplicate') return this.#count(verdict)
    if (verdict !== undefined) return this.#kill(datagram, verdict)
    const pieceBytes = end - data
    if (!datagram.completedBy(h, to) && datagram.count >= this.#limits.maxFragments)
      return this.#kill(datagram, 'fragment-too-many')
    datagram.insert(h, b, off, end, multicast)
    this.#account(datagram.src, pieceBytes)
    if (datagram.complete) {
      this.#remove(key, datagram)
      return datagram.fits(MAX_LENGTH) ? datagram : this.#count('fragment-too-far')
    }
    this.#evict(datagram)
    return undefined
  }

  /** Drops datagrams whose time is over. */
  timeout(now: number): void {
    for (const [key, datagram] of this.#datagrams) {
      if (datagram.expiresAt > now) return
      this.#remove(key, datagram)
      if (datagram.dead) continue
      this.#count('fragment-timeout')
      if (datagram.first !== undefined) this.#timedOut.push(datagram)
    }
  }

  /** A datagram that timed out after its first fragment had come: its source is to be told (RFC 792). */
  poll(): Datagram | undefined {
    return this.#timedOut.shift()
  }

  deadline(): number {
    for (const datagram of this.#datagrams.values()) return datagram.expiresAt
    return Number.POSITIVE_INFINITY
  }

  #open(now: number, key: string, h: Ipv4Header): Datagram {
    if (this.#datagrams.size >= this.#limits.maxDatagrams) {
      for (const [oldest, datagram] of this.#recent) {
        this.#remove(oldest, datagram)
        if (!datagram.dead) this.#count('fragment-evicted')
        break
      }
    }
    const datagram = new Datagram(h, now + this.#limits.reassemblyTimeoutMs)
    this.#datagrams.set(key, datagram)
    return datagram
  }

  /** Makes room, at the cost of others than `kept` where that is enough. */
  #evict(kept: Datagram): void {
    const { reassemblyBytes, reassemblyBytesPerSource } = this.#limits
    const { src } = kept
    const source = (): boolean => (this.#bySource.get(src) ?? 0) > reassemblyBytesPerSource
    for (const [key, d] of this.#recent) {
      if (this.#bytes <= reassemblyBytes && !source()) return
      if (d.dead || (this.#bytes <= reassemblyBytes && d.src !== src)) continue
      this.#remove(key, d)
      this.#count('fragment-evicted')
    }
  }

  /** Keeps the datagram's place, so that its other fragments are recognised until it times out. */
  #kill(datagram: Datagram, why: FragmentDrop): undefined {
    this.#account(datagram.src, -datagram.bytes)
    datagram.kill()
    return this.#count(why)
  }

  #remove(key: string, datagram: Datagram): void {
    this.#datagrams.delete(key)
    this.#recent.delete(key)
    this.#account(datagram.src, -datagram.bytes)
  }

  #account(src: Ipv4, bytes: number): void {
    this.#bytes += bytes
    const sum = (this.#bySource.get(src) ?? 0) + bytes
    if (sum === 0) this.#bySource.delete(src)
    else this.#bySource.set(src, sum)
  }

  #count(why: FragmentDrop): undefined {
    countDrop(this.#dropped, why)
  }
}

function refuse(h: Ipv4Header, length: number, to: number): FragmentDrop | undefined {
  if (length === 0) return 'fragment-empty'
  if (h.moreFragments && length % 8 !== 0) return 'fragment-length'
  if (h.headerLength + to > MAX_LENGTH) return 'fragment-too-far'
  return undefined
}

function keyOf(h: Ipv4Header): string {
  const { src, dst } = h
  return String.fromCharCode(src >>> 16, src & 0xffff, dst >>> 16, dst & 0xffff, h.protocol, h.id)
}
