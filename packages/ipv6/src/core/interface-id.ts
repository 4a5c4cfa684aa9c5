import { formatMac, type Ipv6, type Ipv6Prefix, ipv6FromWords, linkLocalFromMac, type Mac, writeIpv6 } from '@fata/addr'
import { putU32, SipHash } from '@fata/bytes'

/** How the lower half of an autoconfigured address is made: RFC 7217, or from the MAC address (RFC 2464 §4). */
export type InterfaceIdScheme = 'stable-opaque' | 'eui-64'

/** Interface identifiers are 64 bits long on every link that there is, RFC 4291 §2.5.1. */
export const INTERFACE_ID_BITS = 64

const LINK_LOCAL: Ipv6Prefix = { address: ipv6FromWords(0xfe800000, 0, 0, 0), length: 64 }

/** Makes the addresses of an interface. */
export class InterfaceIds {
  readonly #mac: Mac | undefined
  readonly #hash: SipHash
  readonly #name: string
  #linkLocal: Ipv6
  /** How many link-local addresses were found taken or reserved. */
  #linkLocalCounter = 0

  /**
   * The name of the interface, or its MAC address where it has none, is Net_Iface of RFC 7217 §5: with a name addresses stay the same when
   * the MAC address changes. `secret` is its secret_key.
   */
  constructor(
    owner: { readonly mac: Mac | undefined; readonly name: string },
    scheme: InterfaceIdScheme,
    secret: Uint8Array,
  ) {
    this.#mac = scheme === 'eui-64' ? owner.mac : undefined
    this.#hash = new SipHash(secret)
    this.#name = owner.name === '' && owner.mac !== undefined ? formatMac(owner.mac) : owner.name
    this.#linkLocal = this.#mac === undefined ? this.#opaqueLinkLocal() : linkLocalFromMac(this.#mac)
  }

  get linkLocal(): Ipv6 {
    return this.#linkLocal
  }

  /** Another link-local address after the last one was found taken; undefined where the MAC address determines it. */
  nextLinkLocal(): Ipv6 | undefined {
    if (this.#mac !== undefined) return undefined
    this.#linkLocalCounter++
    this.#linkLocal = this.#opaqueLinkLocal()
    return this.#linkLocal
  }

  #opaqueLinkLocal(): Ipv6 {
    for (;;) {
      const address = this.#opaque(LINK_LOCAL, this.#linkLocalCounter)
      if (!isReserved(address)) return address
      this.#linkLocalCounter++
    }
  }

  /** An address in `prefix`, which is 64 bits long, or undefined where the scheme has none (left) for it. */
  address(prefix: Ipv6Prefix, dadCounter: number): Ipv6 | undefined {
    if (this.#mac === undefined) return this.#opaque(prefix, dadCounter)
    const { w0, w1 } = prefix.address
    return dadCounter > 0 ? undefined : ipv6FromWords(w0, w1, this.#linkLocal.w2, this.#linkLocal.w3)
  }

  #opaque(prefix: Ipv6Prefix, dadCounter: number): Ipv6 {
    const { high, low } = this.#hash.hashBytes(this.#input(prefix, dadCounter))
    return ipv6FromWords(prefix.address.w0, prefix.address.w1, high, low)
  }

  /** Prefix, DAD_Counter and Net_Iface of RFC 7217 §5, each of fixed length but the last. */
  #input(prefix: Ipv6Prefix, dadCounter: number): Uint8Array {
    const data = new Uint8Array(24 + this.#name.length)
    writeIpv6(data, 0, ipv6FromWords(prefix.address.w0, prefix.address.w1, 0, 0))
    putU32(data, 16, prefix.length)
    putU32(data, 20, dadCounter)
    for (let i = 0; i < this.#name.length; i++) data[24 + i] = this.#name.charCodeAt(i)
    return data
  }
}

/** The identifiers that RFC 5453 and IANA's registry keep from use: subnet anycast, and the block of IANA's Ethernet addresses. */
export function isReserved({ w2, w3 }: Ipv6): boolean {
  if (w2 === 0 && w3 === 0) return true
  if (w2 === (0xfdffffff | 0) && w3 >>> 0 >= 0xffffff80) return true
  return w2 === 0x02005eff && w3 >>> 24 === 0xfe
}
