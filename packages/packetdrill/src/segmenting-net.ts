import { copyGather } from '@fata/bytes'
import {
  completeChecksum,
  createFrameMeta,
  createNetStats,
  type FrameMeta,
  type Net,
  type NetListener,
  segmentFrame,
} from '@fata/net'

const LONGEST = 65_535

/** A device of IP packets which segments super-frames itself, as hosts do on their way to a TUN device. */
export class SegmentingNet implements Net {
  readonly medium = 'ip'
  readonly mac = undefined
  readonly mtu: number
  readonly offload = { checksum: true, tso4: true, tso6: true }
  readonly stats = createNetStats()
  readonly #send: (packet: Uint8Array) => void
  readonly #memory = new Uint8Array(LONGEST)
  readonly #meta: FrameMeta = createFrameMeta()
  #listener: NetListener | undefined

  constructor(mtu: number, send: (packet: Uint8Array) => void) {
    this.mtu = mtu
    this.#send = send
  }

  write(...[size, fill, meta, payload]: Parameters<Net['write']>): void {
    let end = fill(this.#memory, 0)
    if (!(end <= size)) throw new RangeError(`fill wrote ${end} of ${size} bytes`)
    if (payload !== undefined) end += copyGather(this.#memory, end, payload)
    this.stats.txFrames++
    this.stats.txBytes += end
    if (meta !== undefined && meta.gso !== 'none') {
      segmentFrame(this.#memory, 0, end, 0, meta, (length, cut) => {
        const packet = new Uint8Array(length)
        this.#send(packet.subarray(0, cut(packet, 0)))
      })
      return
    }
    if (meta?.checksum === 'partial') completeChecksum(this.#memory, 0, end, meta)
    this.#send(this.#memory.slice(0, end))
  }

  listen(listener: NetListener): void {
    this.#listener = listener
  }

  async close(): Promise<void> {
    this.#listener = undefined
  }

  /** A packet arrives, alone in its batch. */
  receive(packet: Uint8Array): void {
    this.#listener?.frame(packet, 0, packet.length, this.#meta)
    this.#listener?.batchEnd?.()
  }
}
