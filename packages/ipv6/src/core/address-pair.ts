import {
  IPV6_ALL_NODES,
  IPV6_ANY,
  type Ipv6,
  ipv6Equals,
  ipv6MulticastScope,
  isIpv4Mapped,
  isIpv6Any,
  isIpv6LinkLocal,
  isIpv6Loopback,
  isIpv6Multicast,
  readIpv6,
} from '@fata/addr'
import { u32 } from '@fata/bytes'
import { DESTINATION, SOURCE } from '../wire/ipv6-header.ts'
import { isUsable } from './addresses.ts'
import type { Host } from './host.ts'

/** What the source of a packet is to this host; the last two are reasons to drop it. */
export type SourceClass = 'other' | 'own' | 'unspecified' | 'bad-source' | 'loopback-on-link'

/** What its destination is; all but the first two are reasons to drop it. */
export type DestinationClass = 'own' | 'group' | 'tentative-address' | 'not-for-us' | 'loopback-on-link' | 'bad-scope'

/**
 * Source and destination of the packet at hand. Steady flows come from one address to one: the last ones are kept, with what they are,
 * so that nothing is allocated or looked up for the next packet.
 */
export class AddressPair {
  readonly #host: Host
  src: Ipv6 = IPV6_ANY
  dst: Ipv6 = IPV6_ANY
  srcClass: SourceClass = 'unspecified'
  dstClass: DestinationClass = 'not-for-us'
  /** Nobody here wants to hear the source in this group. */
  isFiltered = false
  /** The classes are those of this generation of the host. */
  #generation = -1

  constructor(host: Host) {
    this.#host = host
  }

  /** Reads the addresses of the header at `b[o..)`. */
  read(b: Uint8Array, o: number): void {
    const { generation } = this.#host
    const isStale = this.#generation !== generation
    this.#generation = generation
    const isSrcNew = isStale || !isAt(this.src, b, o + SOURCE)
    if (isSrcNew) {
      this.src = this.#readAddress(b, o + SOURCE)
      this.srcClass = this.#classifySource(this.src)
    }
    const isDstNew = isStale || !isAt(this.dst, b, o + DESTINATION)
    if (isDstNew) {
      this.dst = this.#readAddress(b, o + DESTINATION)
      this.dstClass = this.#classifyDestination(this.dst)
    }
    if (isSrcNew || isDstNew) {
      this.isFiltered = this.dstClass === 'group' && !this.#host.mld.passes(this.dst, this.src)
    }
  }

  #readAddress(b: Uint8Array, o: number): Ipv6 {
    const address = readIpv6(b, o)
    const { zone } = this.#host.settings
    return zone !== '' && isIpv6LinkLocal(address) ? readIpv6(b, o, zone) : address
  }

  #classifySource(src: Ipv6): SourceClass {
    if (isIpv6Multicast(src) || isIpv4Mapped(src)) return 'bad-source'
    if (isIpv6Any(src)) return 'unspecified'
    if (isIpv6Loopback(src)) return 'loopback-on-link'
    const own = this.#host.addresses.get(src)
    return own !== undefined && isUsable(own) ? 'own' : 'other'
  }

  #classifyDestination(dst: Ipv6): DestinationClass {
    const { addresses, mld, settings } = this.#host
    if (isIpv6Multicast(dst)) {
      if (ipv6MulticastScope(dst) <= 1) return 'bad-scope'
      const wanted = ipv6Equals(dst, IPV6_ALL_NODES) || addresses.listensTo(dst) || mld.isMember(dst)
      return wanted ? 'group' : 'not-for-us'
    }
    if (isIpv6Loopback(dst)) return 'loopback-on-link'
    const own = addresses.get(dst)
    if (own !== undefined && isUsable(own)) return 'own'
    // RFC 4862 §5.4: what is sent to a tentative address itself is for somebody else.
    if (own !== undefined && own.state.kind === 'tentative') return 'tentative-address'
    return settings.transparent && !isIpv6Any(dst) ? 'own' : 'not-for-us'
  }

  /** Why the packet is dropped; a `local` one was sent by this host. */
  refusal(local: boolean, isTransport: boolean): string | undefined {
    const { srcClass, dstClass } = this
    if (dstClass !== 'own' && dstClass !== 'group' && !(local && dstClass === 'loopback-on-link')) return dstClass
    if (srcClass === 'bad-source' || (srcClass === 'loopback-on-link' && !local)) return srcClass
    if (this.isFiltered && isTransport) return 'source-filtered'
    if (srcClass === 'unspecified' && isTransport) return 'unspecified-source'
    return srcClass === 'own' && !local && isTransport ? 'own-source' : undefined
  }
}

/** The 16 bytes at `b[o..)` are `a`. */
function isAt(a: Ipv6, b: Uint8Array, o: number): boolean {
  return (
    a.w3 === (u32(b, o + 12) | 0) &&
    a.w2 === (u32(b, o + 8) | 0) &&
    a.w1 === (u32(b, o + 4) | 0) &&
    a.w0 === (u32(b, o) | 0)
  )
}
