import type { Mac } from '@fata/addr'
import { copyBytes, putU16 } from '@fata/bytes'
import { ETHERTYPE_IPV6, type Link } from '@fata/link'
import { completeChecksum, createFrameMeta, type Fill, resetFrameMeta } from '@fata/net'
import type { Host } from './core/host.ts'
import { destinationOf, type QueuedPacket } from './core/queued-packet.ts'
import { pathMtu } from './core/routing.ts'
import { encodeFragmentHeader, FRAGMENT, FRAGMENT_HEADER_LEN, type FragmentHeader } from './wire/extension-headers.ts'
import { IPV6_HEADER_LEN, NEXT_HEADER, PAYLOAD_LENGTH_FIELD } from './wire/ipv6-header.ts'

/** Sends packets that are complete in memory of ours, in fragments where the path demands it. */
export class Emitter {
  readonly #link: Link
  readonly #host: Host

  constructor(link: Link, host: Host) {
    this.#link = link
    this.#host = host
  }

  #stored: Uint8Array = new Uint8Array(0)
  readonly #storedMeta = createFrameMeta()
  readonly #fillStored: Fill = (buf, off) => {
    this.#storedMeta.checksumStart += off
    return copyBytes(buf, off, this.#stored)
  }

  /** Sends a packet to a link-layer address. Throws as `Link.write`. */
  emit(to: Mac, packet: QueuedPacket): void {
    const { bytes, meta } = packet
    const host = this.#host
    const mtu = pathMtu(host, host.destinations.get(destinationOf(packet)))
    if (bytes.length > mtu && (meta === undefined || meta.gso === 'none')) {
      this.#emitFragments(to, packet, mtu)
      return
    }
    this.#stored = bytes
    if (meta === undefined) resetFrameMeta(this.#storedMeta)
    else Object.assign(this.#storedMeta, meta)
    this.#link.write(to, ETHERTYPE_IPV6, bytes.length, this.#fillStored, this.#storedMeta)
    host.stats.sent++
  }

  readonly #fragment: FragmentHeader = { nextHeader: 0, offset: 0, more: false, id: 0 }
  #fragmentEnd = 0
  readonly #fillFragment: Fill = (buf, off) => {
    const from = IPV6_HEADER_LEN + this.#fragment.offset
    const payloadLength = FRAGMENT_HEADER_LEN + this.#fragmentEnd - from
    copyBytes(buf, off, this.#stored, 0, IPV6_HEADER_LEN)
    putU16(buf, off + PAYLOAD_LENGTH_FIELD, payloadLength)
    buf[off + NEXT_HEADER] = FRAGMENT
    encodeFragmentHeader(buf, off + IPV6_HEADER_LEN, this.#fragment)
    copyBytes(buf, off + IPV6_HEADER_LEN + FRAGMENT_HEADER_LEN, this.#stored, from, this.#fragmentEnd)
    return IPV6_HEADER_LEN + payloadLength
  }

  /** RFC 8200 §4.5. The packets that are written here have no extension headers. */
  #emitFragments(to: Mac, { bytes, meta }: QueuedPacket, mtu: number): void {
    const host = this.#host
    if (meta?.checksum === 'partial') completeChecksum(bytes, 0, bytes.length, meta)
    const destination = host.destinations.get(destinationOf({ bytes, meta }))
    const id = destination === undefined ? host.random.uint32() : destination.fragmentId++ >>> 0
    const most = (mtu - IPV6_HEADER_LEN - FRAGMENT_HEADER_LEN) & ~7
    const fragment = this.#fragment
    this.#stored = bytes
    fragment.nextHeader = bytes[NEXT_HEADER]!
    fragment.id = id
    for (let from = IPV6_HEADER_LEN; from < bytes.length; from += most) {
      this.#fragmentEnd = Math.min(from + most, bytes.length)
      fragment.offset = from - IPV6_HEADER_LEN
      fragment.more = this.#fragmentEnd < bytes.length
      const length = IPV6_HEADER_LEN + FRAGMENT_HEADER_LEN + this.#fragmentEnd - from
      this.#link.write(to, ETHERTYPE_IPV6, length, this.#fillFragment)
      host.stats.sent++
    }
    host.stats.fragmented++
  }
}
