import { type Ipv6, type Ipv6Prefix, ipv6FromWords, linkLocalFromMac, type Mac, writeIpv6, writeMac } from '@fata/addr'
import { putU32, SipHash } from '@fata/bytes'
import type { Random } from '@fata/runtime'

/** How the lower half of an autoconfigured address is made: RFC 7217, or from the MAC address (RFC 2464 §4). */
export type InterfaceIdScheme = 'stable-opaque' | 'eui-64'

/** Interface identifiers are 64 bits long on every link that there is, RFC 4291 §2.5.1. */
export const INTERFACE_ID_BITS = 64

/** Makes the addresses of an interface. */
export class InterfaceIds {
  readonly #mac: Mac | undefined
  readonly #scheme: InterfaceIdScheme
  readonly #hash: SipHash
  readonly #name: string
  readonly #random: Random
  #linkLocal: Ipv6

  /** `name` and `mac` together are Net_Iface of RFC 7217 §5, `secret` is its secret_key. */
  constructor(
    interfaceName: { readonly mac: Mac | undefined; readonly name: string },
    scheme: InterfaceIdScheme,
    secret: Uint8Array,
    random: Random,
  ) {
    this.#mac = interfaceName.mac
    this.#name = interfaceName.name
    this.#scheme = scheme
    this.#hash = new SipHash(secret)
    this.#random = random
    this.#linkLocal = this.#makeLinkLocal()
  }

  /** The link-local address: from the MAC address, or random where there is none. */
  get linkLocal(): Ipv6 {
    return this.#linkLocal
  }

  /** Another link-local address after the last one was found taken; undefined where the MAC address determines it. */
  nextLinkLocal(): Ipv6 | undefined {
    if (this.#mac !== undefined) return undefined
    this.#linkLocal = this.#makeLinkLocal()
    return this.#linkLocal
  }

  #makeLinkLocal(): Ipv6 {
    if (this.#mac !== undefined) return linkLocalFromMac(this.#mac)
    for (;;) {
      const address = ipv6FromWords(0xfe800000, 0, this.#random.uint32(), this.#random.uint32())
      if (!isReserved(address)) return address
    }
  }

  /** An address in `prefix`, which is 64 bits long, or undefined where the scheme has none (left) for it. */
  address(prefix: Ipv6Prefix, dadCounter: number): Ipv6 | undefined {
    const { w0, w1 } = prefix.address
    if (this.#scheme === 'eui-64') {
      return dadCounter > 0 ? undefined : ipv6FromWords(w0, w1, this.#linkLocal.w2, this.#linkLocal.w3)
    }
    const { high, low } = this.#hash.hashBytes(this.#input(prefix, dadCounter))
    return ipv6FromWords(w0, w1, high, low)
  }

  /** Prefix, Net_Iface and DAD_Counter of RFC 7217 §5, each of fixed length but the last. */
  #input(prefix: Ipv6Prefix, dadCounter: number): Uint8Array {
    const data = new Uint8Array(30 + this.#name.length)
    writeIpv6(data, 0, ipv6FromWords(prefix.address.w0, prefix.address.w1, 0, 0))
    putU32(data, 16, prefix.length)
    putU32(data, 20, dadCounter)
    writeMac(data, 24, this.#mac ?? (0 as Mac))
    for (let i = 0; i < this.#name.length; i++) data[30 + i] = this.#name.charCodeAt(i)
    return data
  }
}

/** The identifiers that RFC 5453 and IANA's registry keep from use: subnet anycast, and the block of IANA's Ethernet addresses. */
export function isReserved({ w2, w3 }: Ipv6): boolean {
  if (w2 === 0 && w3 === 0) return true
  if (w2 === (0xfdffffff | 0) && w3 >>> 0 >= 0xffffff80) return true
  return w2 === 0x02005eff && w3 >>> 24 === 0xfe
}
