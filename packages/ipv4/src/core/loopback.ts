import { createFrameMeta, resetFrameMeta } from '@fata/net'
import type { StoredPacket } from './pending.ts'

interface Slab {
  readonly buf: Uint8Array
  used: number
}

const SLAB_BYTES = 262_144
const NOTHING = new Uint8Array(0)

/**
 * A bounded queue of packets that never leave the host. They are written in place, in slabs that are reused when all of their packets
 * have been delivered; slabs are made when needed and one is kept.
 */
export class Loopback {
  readonly #maxBytes: number
  /** In use, oldest first; packets are written to the last. */
  readonly #slabs: Slab[] = []
  #spare: Slab | undefined
  /** A ring of records; `#count` packets from `#head` on. */
  #ring: StoredPacket[] = []
  #head = 0
  #count = 0
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Packets in the queue. */
  get length(): number {
    return this.#count
  }

  /** Memory in which the next packet of at most `length` bytes is written from `offset` on, or undefined: the queue is full. */
  reserve(length: number): Uint8Array | undefined {
    if (this.#bytes + length > this.#maxBytes) return undefined
    let slab = this.#slabs.at(-1)
    if (slab === undefined || slab.used + length > slab.buf.length) {
      slab = this.#spare ?? { buf: new Uint8Array(SLAB_BYTES), used: 0 }
      this.#spare = undefined
      this.#slabs.push(slab)
    }
    return slab.buf
  }

  /** Where in the memory of the last `reserve` the packet begins. */
  get offset(): number {
    return this.#slabs.at(-1)!.used
  }

  /** The packet was written and ends at `end`. Returns its record, for its `meta` to be set. */
  commit(end: number): StoredPacket {
    if (this.#count === this.#ring.length) this.#grow()
    const slab = this.#slabs.at(-1)!
    const packet = this.#ring[(this.#head + this.#count++) % this.#ring.length]!
    packet.buf = slab.buf
    packet.off = slab.used
    packet.end = end
    resetFrameMeta(packet.meta)
    this.#bytes += end - slab.used
    // Even offsets let checksums run over whole words.
    slab.used = (end + 3) & ~3
    return packet
  }

  /** The oldest packet. Stays valid, and in the queue, until `shift`. */
  peek(): StoredPacket | undefined {
    return this.#count === 0 ? undefined : this.#ring[this.#head]
  }

  /** Removes the oldest packet. */
  shift(): void {
    const packet = this.#ring[this.#head]!
    this.#head = (this.#head + 1) % this.#ring.length
    this.#count--
    this.#bytes -= packet.end - packet.off
    packet.buf = NOTHING
    const next = this.peek()
    if (next === undefined) while (this.#slabs.length > 0) this.#free()
    else while (this.#slabs[0]!.buf !== next.buf) this.#free()
  }

  clear(): void {
    while (this.#count > 0) this.shift()
    this.#spare = undefined
  }

  #free(): void {
    const slab = this.#slabs.shift()!
    slab.used = 0
    this.#spare = slab
  }

  #grow(): void {
    const old = this.#ring
    const size = Math.max(16, old.length * 2)
    this.#ring = Array.from({ length: size }, (_, i) =>
      i < old.length ? old[(this.#head + i) % old.length]! : { buf: NOTHING, off: 0, end: 0, meta: createFrameMeta() },
    )
    this.#head = 0
  }
}
