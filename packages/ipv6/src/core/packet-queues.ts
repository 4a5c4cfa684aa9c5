import { countDrop, type DropCounts } from '@fata/net'
import type { QueuedPacket } from './queued-packet.ts'

/** The packets that wait for link-layer addresses, one queue for each neighbor: RFC 4861 §7.2.2. */
export class PacketQueues {
  readonly #maxPackets: number
  readonly #maxBytes: number
  readonly #dropped: DropCounts
  #bytes = 0

  /** At most `maxPackets` in one queue, at most `maxBytes` in all. Discarded packets are counted in `dropped`. */
  constructor(maxPackets: number, maxBytes: number, dropped: DropCounts) {
    this.#maxPackets = maxPackets
    this.#maxBytes = maxBytes
    this.#dropped = dropped
  }

  /** Adds `packet` to `queue`, whose oldest ones give way where there is no room. */
  push(queue: QueuedPacket[], packet: QueuedPacket): void {
    while (queue.length >= this.#maxPackets) this.#dropOldest(queue)
    while (queue.length > 0 && this.#bytes + packet.bytes.length > this.#maxBytes) this.#dropOldest(queue)
    if (this.#bytes + packet.bytes.length > this.#maxBytes) {
      countDrop(this.#dropped, 'neighbor-queue-full')
      return
    }
    queue.push(packet)
    this.#bytes += packet.bytes.length
  }

  #dropOldest(queue: QueuedPacket[]): void {
    this.#bytes -= queue.shift()!.bytes.length
    countDrop(this.#dropped, 'neighbor-queue-full')
  }

  /** Empties `queue` and returns what was in it, oldest first. */
  take(queue: QueuedPacket[]): QueuedPacket[] {
    for (const packet of queue) this.#bytes -= packet.bytes.length
    return queue.splice(0)
  }
}
