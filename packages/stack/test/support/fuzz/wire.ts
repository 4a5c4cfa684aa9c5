import { type Mac, mac } from '@fata/addr'
import { type CallbackNet, createCallbackNet } from '@fata/net'
import type { Clock } from '@fata/runtime'

/** A frame, and the station that it was for. */
export interface Heard {
  readonly frame: Uint8Array
  readonly to: CallbackNet
}

const REMEMBERED = 512

/** A hub: what one station sends the others hear a moment later. Remembers the last frames. */
export class Wire {
  /** Frames that were sent lately, in no order. */
  readonly heard: Heard[] = []
  readonly #stations: CallbackNet[] = []
  readonly #clock: Clock
  #next = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  station(address: string): CallbackNet {
    const own: Mac = mac(address)
    const station: CallbackNet = createCallbackNet({
      medium: 'ethernet',
      mac: own,
      mtu: 1500,
      send: (buf, off, end) => this.#sent(station, buf.slice(off, end)),
    })
    this.#stations.push(station)
    return station
  }

  #sent(from: CallbackNet, frame: Uint8Array): void {
    for (const to of this.#stations) {
      if (to === from) continue
      this.heard[this.#next++ % REMEMBERED] = { frame, to }
      this.#clock.schedule(this.#clock.now() + 0.1, () => to.receive(frame))
    }
  }
}
