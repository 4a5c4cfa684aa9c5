import type { Ipv4 } from '@fata/addr'
import { countDrop, type DropCounts, type FrameMeta } from '@fata/net'

/** One whole packet in memory of ours at `buf[off..end)`, with its offload metadata: positions are absolute in `buf`. */
export interface StoredPacket {
  buf: Uint8Array
  off: number
  end: number
  readonly meta: FrameMeta
}

/** Bounds of the queue. Options of the same names. */
export interface PendingLimits {
  readonly pendingPerHop: number
  readonly pendingHops: number
  readonly pendingBytes: number
}

/** Packets that wait for their next hop's link-layer address. Where one of the bounds is reached the oldest are dropped. */
export class PendingPackets {
  readonly #limits: PendingLimits
  readonly #dropped: DropCounts
  /** Oldest hop first. */
  readonly #hops = new Map<Ipv4, StoredPacket[]>()
  #bytes = 0

  /** Counts what it drops in `dropped`, as `pending-full`. */
  constructor(limits: PendingLimits, dropped: DropCounts) {
    this.#limits = limits
    this.#dropped = dropped
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes
  }

  /** Hops that are waited for. */
  get size(): number {
    return this.#hops.size
  }

  /** Adds a packet. Returns whether it is the hop's first, whose address is to be asked for then. */
  push(hop: Ipv4, packet: StoredPacket): boolean {
    let queue = this.#hops.get(hop)
    const isFirst = queue === undefined
    if (queue === undefined) {
      if (this.#hops.size >= this.#limits.pendingHops) this.#dropOldestHop()
      queue = []
      this.#hops.set(hop, queue)
    }
    queue.push(packet)
    this.#bytes += packet.end - packet.off
    if (queue.length > this.#limits.pendingPerHop) this.#dropFirst(queue)
    while (this.#bytes > this.#limits.pendingBytes) this.#dropFirst(this.#oldestQueue())
    return isFirst
  }

  /** Removes and returns the packets for `hop`, in order. */
  take(hop: Ipv4): readonly StoredPacket[] {
    const queue = this.#hops.get(hop) ?? []
    this.#hops.delete(hop)
    for (const packet of queue) this.#bytes -= packet.end - packet.off
    return queue
  }

  clear(): void {
    this.#hops.clear()
    this.#bytes = 0
  }

  /** Of the hop that has been waited for longest and has packets. */
  #oldestQueue(): StoredPacket[] {
    for (const queue of this.#hops.values()) if (queue.length > 0) return queue
    throw new Error('broken invariant: bytes are counted that no queue has')
  }

  #dropOldestHop(): void {
    for (const [hop, queue] of this.#hops) {
      while (queue.length > 0) this.#dropFirst(queue)
      this.#hops.delete(hop)
      return
    }
  }

  #dropFirst(queue: StoredPacket[]): void {
    const packet = queue.shift()!
    this.#bytes -= packet.end - packet.off
    countDrop(this.#dropped, 'pending-full')
  }
}
