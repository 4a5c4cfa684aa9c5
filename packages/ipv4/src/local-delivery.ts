import { copyBytes } from '@fata/bytes'
import { countDrop, type FrameMeta } from '@fata/net'
import { Loopback } from './core/loopback.ts'
import type { StoredPacket } from './core/pending.ts'
import { copyMeta, type Host } from './host.ts'

/** Who gets packets to this host. */
export interface LocalReceiver {
  receiveLocal(packet: StoredPacket): void
  batchEnd(): void
}

/** Brings packets to this host back to it, outside of the `write` that sent them. */
export class LocalDelivery {
  readonly #host: Host
  readonly #receiver: LocalReceiver
  readonly #loopback: Loopback
  #scheduled = false
  #closed = false

  constructor(host: Host, receiver: LocalReceiver) {
    this.#host = host
    this.#receiver = receiver
    this.#loopback = new Loopback(host.settings.loopbackBytes)
  }

  /** Queues the packet of at most `length` bytes that `write` puts at `buf[off..)`; it returns the end. Counts it where the queue is full. */
  store(length: number, write: (buf: Uint8Array, off: number) => number, meta: FrameMeta | undefined): void {
    const buf = this.#reserve(length)
    if (buf === undefined) return
    const packet = this.#loopback.commit(write(buf, this.#loopback.offset))
    if (meta !== undefined) copyMeta(packet.meta, meta, 0)
    this.#schedule()
  }

  /** Queues a copy of `packet`. Counts it where the queue is full. */
  storeCopy(packet: StoredPacket): void {
    const { buf: from, off, end, meta } = packet
    const buf = this.#reserve(end - off)
    if (buf === undefined) return
    const at = this.#loopback.offset
    copyMeta(this.#loopback.commit(at + copyBytes(buf, at, from, off, end)).meta, meta, at - off)
    this.#schedule()
  }

  #reserve(length: number): Uint8Array | undefined {
    const buf = this.#loopback.reserve(length)
    if (buf === undefined) countDrop(this.#host.stats.unsent, 'loopback-full')
    else this.#host.stats.looped++
    return buf
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#host.clock.defer(this.#deliver)
  }

  /** Delivers what is there; what that brings about comes next time, so that others have their turn. */
  readonly #deliver = (): void => {
    this.#scheduled = false
    const loopback = this.#loopback
    try {
      for (let n = loopback.length; n > 0 && !this.#closed; n--) this.#deliverFirst()
      if (!this.#closed) this.#receiver.batchEnd()
    } finally {
      if (loopback.length > 0) this.#schedule()
    }
  }

  #deliverFirst(): void {
    try {
      this.#receiver.receiveLocal(this.#loopback.peek()!)
    } finally {
      if (!this.#closed) this.#loopback.shift()
    }
  }

  /** Forgets what is queued. */
  close(): void {
    this.#closed = true
    this.#loopback.clear()
  }
}
