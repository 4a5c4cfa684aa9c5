import type { Mac } from '@fata/addr'
import { copyGather } from '@fata/bytes'
import { NetError } from './errors.ts'
import { createFrameMeta, type FrameMeta, NO_OFFLOAD, resetFrameMeta } from './meta.ts'
import type { Net, NetListener } from './net.ts'
import { checkOffload } from './offload.ts'
import { countDrop, createNetStats } from './stats.ts'

const ETHERNET_HEADER = 14

/** `mac` is needed where the medium is `'ethernet'`, and refused where it is `'ip'`. */
export interface CallbackNetOptions {
  readonly medium: 'ethernet' | 'ip'
  readonly mac?: Mac
  /** Largest IP packet in bytes, 68..65535. */
  readonly mtu: number
  /**
   * Takes one frame at `buf[off..end)`. The memory is reused: copy what outlives the call. Called inside `write`, to whose caller
   * goes what it throws.
   */
  readonly send: (buf: Uint8Array, off: number, end: number) => void
}

/** A device made of two functions: `send` in the options, `receive` here. */
export interface CallbackNet {
  readonly net: Net
  /**
   * Delivers one frame at `buf[off..end)` (default: all of it) to the listener; `more` says that others follow at once. Throws a
   * TypeError inside `send`: a listener is never called inside a `write`.
   */
  receive(buf: Uint8Array, off?: number, end?: number, more?: boolean): void
}

/** Makes a device of a function that sends: for tunnels, emulators and tests whose frames come from the program itself. */
export function createCallbackNet(options: CallbackNetOptions): CallbackNet {
  const { medium, mtu, send, mac } = options
  if (!(Number.isInteger(mtu) && mtu >= 68 && mtu <= 65535))
    throw new RangeError(`mtu must be in 68..65535, got ${mtu}`)
  if ((medium === 'ethernet') !== (mac !== undefined))
    throw new TypeError(`a device of medium '${medium}' ${mac === undefined ? 'needs a' : 'has no'} mac`)
  const longest = mtu + (medium === 'ethernet' ? ETHERNET_HEADER : 0)
  const slab = new Uint8Array(longest)
  const meta: FrameMeta = createFrameMeta()
  const stats = createNetStats()
  let listener: NetListener | undefined
  let sending = false
  let closed = false

  const net: Net = {
    medium,
    mac,
    mtu,
    offload: NO_OFFLOAD,
    stats,
    write(size, fill, meta, payload) {
      if (closed) throw new NetError('ERR_NET_CLOSED', 'the device is closed')
      const rest = payload === undefined ? 0 : payload.length
      if (size + rest > longest)
        throw new NetError('ERR_NET_FRAME_TOO_LONG', `a frame of ${size + rest} bytes exceeds ${longest}`)
      let end = fill(slab, 0)
      if (!(end <= size)) throw new RangeError(`fill wrote ${end} of ${size} bytes`)
      if (meta !== undefined) checkOffload(meta, NO_OFFLOAD)
      if (payload !== undefined) end += copyGather(slab, end, payload)
      sending = true
      try {
        send(slab, 0, end)
      } finally {
        sending = false
      }
      stats.txFrames++
      stats.txBytes += end
    },
    listen(l) {
      listener = l
    },
    async close() {
      closed = true
      listener = undefined
    },
  }
  return {
    net,
    receive(buf, off = 0, end = buf.length, more = false) {
      if (sending) throw new TypeError('receive was called inside send')
      if (listener === undefined) return countDrop(stats.rxDropped, closed ? 'closed' : 'no-listener')
      stats.rxFrames++
      stats.rxBytes += end - off
      resetFrameMeta(meta)
      listener.frame(buf, off, end, meta)
      if (!more) listener?.batchEnd?.()
    },
  }
}
