import { countDrop, type DropCounts } from '@fata/net'
import type { Clock } from '@fata/runtime'
import type { QueuedPacket } from './core/queued-packet.ts'

/** Packets on their way from this host to itself. They arrive after the running task, as packets of a device would. */
export class Loopback {
  readonly #clock: Clock
  readonly #maxBytes: number
  readonly #unsent: DropCounts
  readonly #deliver: (packets: readonly QueuedPacket[]) => void
  #queue: QueuedPacket[] = []
  #bytes = 0
  #closed = false

  /** `deliver` gets all packets that were written in one task; those that it writes itself come in the next. */
  constructor(clock: Clock, maxBytes: number, unsent: DropCounts, deliver: (packets: readonly QueuedPacket[]) => void) {
    this.#clock = clock
    this.#maxBytes = maxBytes
    this.#unsent = unsent
    this.#deliver = deliver
  }

  push(packet: QueuedPacket): void {
    if (this.#bytes + packet.bytes.length > this.#maxBytes) {
      countDrop(this.#unsent, 'loopback-full')
      return
    }
    if (this.#queue.length === 0) this.#clock.defer(this.#arrive)
    this.#queue.push(packet)
    this.#bytes += packet.bytes.length
  }

  readonly #arrive = (): void => {
    const packets = this.#queue
    this.#queue = []
    this.#bytes = 0
    if (!this.#closed) this.#deliver(packets)
  }

  close(): void {
    this.#closed = true
  }
}
