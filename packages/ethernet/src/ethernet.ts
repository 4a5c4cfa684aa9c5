import { isMulticastMac, type Mac } from '@fata/addr'
import type { Gather } from '@fata/bytes'
import {
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  type EtherType,
  type Link,
  type LinkFrame,
  type LinkListener,
} from '@fata/link'
import { countDrop, createFrameMeta, type DropCounts, type Fill, type FrameMeta, type Net } from '@fata/net'
import { createHeader, decode, encode, HEADER_LEN } from './wire.ts'

/** Ethernet II over a device, RFC 894: a `Link` whose stations have addresses. */
export interface Ethernet extends Link {
  /** The device's address. */
  readonly mac: Mac
  /**
   * Received and not delivered: the reasons of `Malformed`, `own-source` (an echo of what this station sent), `not-for-us`,
   * `no-listener` (IPv4, ARP or IPv6, and nobody asked for it), `unknown-ethertype`.
   */
  readonly dropped: DropCounts

  /**
   * As `Link.write`. `size` undefined means all that the MTU leaves beside `payload`; `src` is another source address than `mac`.
   * Nothing is padded: the 60 bytes that a frame has at least on a wire are the device's to see to.
   */
  write(
    dst: Mac,
    protocol: EtherType,
    size: number | undefined,
    fill: Fill,
    meta?: FrameMeta,
    payload?: Gather,
    src?: Mac,
  ): void
}

/**
 * Speaks Ethernet on `net` and becomes its listener. Frames to its own address, to groups and to everybody are delivered by EtherType;
 * every other is counted. Throws a TypeError where the device's medium is not `'ethernet'`.
 */
export function createEthernet(net: Net): Ethernet {
  const { mac } = net
  if (net.medium !== 'ethernet' || mac === undefined)
    throw new TypeError(`Ethernet needs a device of medium 'ethernet' with an address, not of medium '${net.medium}'`)

  const listeners = new Map<EtherType, LinkListener>()
  const dropped: DropCounts = {}
  const received = createHeader()
  const frame: LinkFrame = { src: mac, dst: mac, multicast: false, meta: createFrameMeta() }

  net.listen({
    frame(buf, off, end, meta) {
      const header = decode(buf, off, end, received)
      if (typeof header === 'string') return countDrop(dropped, header)
      // RFC 5227 §2.1.1: some hubs and access points send a station its own broadcasts, which must not look like another's.
      if (header.src === mac) return countDrop(dropped, 'own-source')
      const multicast = isMulticastMac(header.dst)
      if (!multicast && header.dst !== mac) return countDrop(dropped, 'not-for-us')
      const listener = listeners.get(header.type)
      if (listener === undefined) return countDrop(dropped, whyNobodyListens(header.type))
      frame.src = header.src
      frame.dst = header.dst
      frame.multicast = multicast
      frame.meta = meta
      listener.packet(buf, off + HEADER_LEN, end, frame)
    },
    batchEnd() {
      for (const listener of listeners.values()) listener.batchEnd?.()
    },
  })

  // A fill cannot re-enter, so what one write needs may wait in fields instead of in a closure per packet.
  const sent = createHeader()
  let inner: Fill = () => 0
  const fillFrame: Fill = (buf, off) => {
    const length = inner(buf, off + HEADER_LEN)
    encode(buf, off, sent)
    return length + HEADER_LEN
  }

  return {
    mac,
    get mtu() {
      return net.mtu
    },
    offload: net.offload,
    dropped,
    write(dst, protocol, size, fill, meta, payload, src = mac) {
      const room = size ?? net.mtu - (payload === undefined ? 0 : payload.length)
      sent.dst = dst
      sent.src = src
      sent.type = protocol
      inner = fill
      net.write(HEADER_LEN + room, fillFrame, meta, payload)
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

function whyNobodyListens(type: EtherType): string {
  const known = type === ETHERTYPE_IPV4 || type === ETHERTYPE_ARP || type === ETHERTYPE_IPV6
  return known ? 'no-listener' : 'unknown-ethertype'
}
