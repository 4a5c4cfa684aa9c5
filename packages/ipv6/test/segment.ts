import { isMulticastMac, type Mac } from '@fata/addr'
import { copyGather } from '@fata/bytes'
import type { Link, LinkFrame, LinkListener } from '@fata/link'
import { createFrameMeta, NO_OFFLOAD } from '@fata/net'
import type { VirtualRuntime } from '@fata/runtime'

/** How a segment treats packets. Probabilities of 0..1. */
export interface Weather {
  readonly latencyMs?: number
  readonly loss?: number
  readonly duplication?: number
  /** Up to so many ms more, so that packets overtake each other. */
  readonly jitterMs?: number
}

interface Station {
  readonly mac: Mac
  listener: LinkListener | undefined
}

/** A network segment in virtual time: what one station writes, those that it is for receive later. */
export class Segment {
  readonly #runtime: VirtualRuntime
  readonly #weather: Weather
  readonly #stations: Station[] = []
  /** Frames carried. */
  carried = 0

  constructor(runtime: VirtualRuntime, weather: Weather = {}) {
    this.#runtime = runtime
    this.#weather = weather
  }

  /** A link of a station with this address; 0 makes it point to point. */
  attach(mac: Mac, mtu = 1500): Link {
    const station: Station = { mac, listener: undefined }
    this.#stations.push(station)
    const slab = new Uint8Array(mtu)
    return {
      mac: mac === 0 ? undefined : mac,
      mtu,
      offload: NO_OFFLOAD,
      write: (dst, _protocol, _size, fill, _meta, payload) => {
        let end = fill(slab, 0)
        if (payload !== undefined) end += copyGather(slab, end, payload)
        this.#carry(station, dst, slab.slice(0, end))
      },
      listen(_protocol, listener) {
        station.listener = listener
        return () => {
          station.listener = undefined
        }
      },
    }
  }

  #chance(probability = 0): boolean {
    return this.#runtime.random.uint32() / 0x1_0000_0000 < probability
  }

  #carry(from: Station, dst: Mac, bytes: Uint8Array): void {
    const { latencyMs = 0.1, loss, duplication, jitterMs = 0 } = this.#weather
    const { clock, random } = this.#runtime
    for (const to of this.#stations) {
      if (to === from || !(to.mac === dst || isMulticastMac(dst))) continue
      for (let copies = this.#chance(duplication) ? 2 : 1; copies > 0; copies--) {
        if (this.#chance(loss)) continue
        const delay = latencyMs + (jitterMs * random.uint32()) / 0x1_0000_0000
        clock.schedule(clock.now() + delay, () => this.#deliver(to, { src: from.mac, dst }, bytes))
      }
    }
  }

  #deliver(to: Station, { src, dst }: { src: Mac; dst: Mac }, bytes: Uint8Array): void {
    this.carried++
    const frame: LinkFrame = { src, dst, multicast: isMulticastMac(dst), meta: createFrameMeta() }
    to.listener?.packet(bytes, 0, bytes.length, frame)
    to.listener?.batchEnd?.()
  }
}
