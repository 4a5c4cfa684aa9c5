import {
  broadcastAddress,
  formatIpv4,
  formatPrefix,
  IPV4_ANY,
  IPV4_BROADCAST,
  type Ipv4,
  type Ipv4Prefix,
  isIpv4LinkLocal,
  isIpv4Loopback,
  isIpv4Multicast,
  prefixContains,
} from '@fata/addr'

/** Throws a RangeError where `prefix` cannot be a host's own address: RFC 1122 §3.2.1.3. */
function checkOwn(prefix: Ipv4Prefix): void {
  const a = prefix.address
  const { length } = prefix
  if (!(Number.isInteger(length) && length >= 0 && length <= 32)) throw new RangeError(`no prefix length: ${length}`)
  if (
    a >>> 24 === 0 ||
    isIpv4Multicast(a) ||
    isIpv4Loopback(a) ||
    a === IPV4_BROADCAST ||
    a === broadcastAddress(prefix)
  )
    throw new RangeError(`not the address of a host: ${formatPrefix(prefix)}`)
}

/** Up to here a walk is faster than a hash table. */
const FEW = 8

/** A set of addresses that is asked with every packet, and mostly has one member. */
class AddressSet {
  #list: Ipv4[] = []
  #set = new Set<Ipv4>()

  replace(members: Iterable<Ipv4>): void {
    this.#set = new Set(members)
    this.#list = [...this.#set]
  }

  has(a: Ipv4): boolean {
    const list = this.#list
    if (list.length > FEW) return this.#set.has(a)
    for (let i = 0; i < list.length; i++) if (list[i] === a) return true
    return false
  }
}

/** The host's own addresses, and which source a packet gets. */
export class Addresses {
  readonly #max: number
  readonly #own = new AddressSet()
  readonly #broadcasts = new AddressSet()
  #list: readonly Ipv4Prefix[] = Object.freeze([])

  constructor(max: number) {
    this.#max = max
  }

  /** In the order in which they were added. */
  get list(): readonly Ipv4Prefix[] {
    return this.#list
  }

  /** Adds an address, or changes the prefix length of one. Returns whether anything changed. */
  add(prefix: Ipv4Prefix): boolean {
    checkOwn(prefix)
    const { address, length } = prefix
    const at = this.#list.findIndex((p) => p.address === address)
    if (at >= 0 && this.#list[at]!.length === length) return false
    if (at < 0 && this.#list.length >= this.#max)
      throw new RangeError(`more than ${this.#max} addresses: ${formatIpv4(address)}`)
    const entry: Ipv4Prefix = Object.freeze({ address, length })
    this.#set(at < 0 ? [...this.#list, entry] : this.#list.with(at, entry))
    return true
  }

  /** Returns the prefix that was removed. */
  remove(address: Ipv4): Ipv4Prefix | undefined {
    const gone = this.#list.find((p) => p.address === address)
    if (gone !== undefined) this.#set(this.#list.filter((p) => p !== gone))
    return gone
  }

  #set(list: Ipv4Prefix[]): void {
    this.#list = Object.freeze(list)
    this.#own.replace(list.map((p) => p.address))
    this.#broadcasts.replace(list.map(broadcastAddress).filter((a) => a !== undefined))
  }

  has(a: Ipv4): boolean {
    return this.#own.has(a)
  }

  /** The limited broadcast, or the directed one of a network that an own address is in. */
  isBroadcast(a: Ipv4): boolean {
    return a === IPV4_BROADCAST || this.#broadcasts.has(a)
  }

  /**
   * The own address for packets whose next hop is `hop`: the one in the longest common network, else the first that is not link-local,
   * else the first (RFC 1122 §3.3.4.3). 0.0.0.0 where there is none.
   */
  sourceFor(hop: Ipv4): Ipv4 {
    let best: Ipv4Prefix | undefined
    for (const p of this.#list) {
      if (prefixContains(p, hop) && !(best !== undefined && best.length >= p.length)) best = p
    }
    best ??= this.#list.find((p) => !isIpv4LinkLocal(p.address)) ?? this.#list[0]
    return best === undefined ? IPV4_ANY : best.address
  }
}
