import type { Mac } from '@fata/addr'
import type { DropCounts, Net } from '@fata/net'
import { countDrop, createFrameMeta } from '@fata/net'
import { ETHERTYPE_IPV4, ETHERTYPE_IPV6, type EtherType } from './ethertype.ts'
import type { Link, LinkFrame, LinkListener } from './link.ts'

/** A link over a device of bare IP packets. */
export interface PointToPoint extends Link {
  /** Received and not delivered: `too-short`, `unknown-version`, `no-listener`. */
  readonly dropped: DropCounts
}

const NOBODY = 0 as Mac

/** Makes a link of a device whose medium is `'ip'` and becomes its listener. The IP version nibble tells the protocols apart. */
export function createPointToPoint(net: Net): PointToPoint {
  if (net.medium !== 'ip')
    throw new TypeError(`a point-to-point link needs a device of medium 'ip', not '${net.medium}'`)
  const listeners = new Map<EtherType, LinkListener>()
  const dropped: DropCounts = {}
  const frame: LinkFrame = { src: NOBODY, dst: NOBODY, multicast: false, meta: createFrameMeta() }

  net.listen({
    frame(buf, off, end, meta) {
      if (end - off < 1) return countDrop(dropped, 'too-short')
      const version = buf[off]! >>> 4
      const protocol = version === 4 ? ETHERTYPE_IPV4 : version === 6 ? ETHERTYPE_IPV6 : 0
      if (protocol === 0) return countDrop(dropped, 'unknown-version')
      const listener = listeners.get(protocol)
      if (listener === undefined) return countDrop(dropped, 'no-listener')
      frame.meta = meta
      listener.packet(buf, off, end, frame)
    },
    batchEnd() {
      for (const listener of listeners.values()) listener.batchEnd?.()
    },
  })
  return {
    mac: undefined,
    get mtu() {
      return net.mtu
    },
    offload: net.offload,
    dropped,
    write(_dst, _protocol, size, fill, meta, payload) {
      net.write(size, fill, meta, payload)
    },
    listen(protocol, listener) {
      if (listeners.has(protocol)) throw new TypeError(`EtherType 0x${protocol.toString(16)} has a listener already`)
      listeners.set(protocol, listener)
      return () => {
        if (listeners.get(protocol) === listener) listeners.delete(protocol)
      }
    },
  }
}
