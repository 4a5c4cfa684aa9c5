import { MAC_BROADCAST, type Mac, mac } from '@fata/addr'
import type { Link, LinkListener } from '@fata/link'
import { createFrameMeta, NetError, NO_OFFLOAD } from '@fata/net'
import type { Clock } from '@fata/runtime'

/** A shared medium in virtual time: what one station writes, the others it is addressed to hear one millisecond later. */
export interface Segment {
  /** A new station. */
  station(address: string): Link
  /** Frames from here on are lost while this is true. */
  silent: boolean
  /** Writes to the device fail while this is true. */
  down: boolean
  /** Every frame since the beginning: `to`, and the ARP packet as bytes. */
  readonly frames: { readonly to: Mac; readonly bytes: Uint8Array }[]
}

export function createSegment(clock: Clock): Segment {
  const listeners = new Map<Mac, LinkListener>()
  const segment: Segment = {
    silent: false,
    down: false,
    frames: [],
    station(address) {
      const own = mac(address)
      return {
        mac: own,
        mtu: 1500,
        offload: NO_OFFLOAD,
        write(to, _protocol, size, fill) {
          if (segment.down) throw new NetError('ERR_NET_CLOSED', 'the device is closed')
          const slab = new Uint8Array(size + 8).fill(0xa5)
          const end = fill(slab, 4)
          const bytes = slab.slice(4, 4 + end)
          segment.frames.push({ to, bytes })
          if (segment.silent) return
          clock.schedule(clock.now() + 1, () => {
            for (const [station, listener] of listeners) {
              if (station === own || (to !== MAC_BROADCAST && to !== station)) continue
              const frame = { src: own, dst: to, multicast: to === MAC_BROADCAST, meta: createFrameMeta() }
              listener.packet(bytes, 0, bytes.length, frame)
            }
          })
        },
        listen(_protocol, listener) {
          listeners.set(own, listener)
          return () => void listeners.delete(own)
        },
      }
    },
  }
  return segment
}
