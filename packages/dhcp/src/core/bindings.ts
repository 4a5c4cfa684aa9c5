import type { Ipv4, Mac } from '@fata/addr'
import type { AddressPool } from './pool.ts'

/**
 * What a server knows of an address: it is `'offered'` for a moment, `'bound'` to a client, `'released'` by it, or `'declined'`: somebody else
 * was found there. At `expiresAt` it becomes free; until somebody else needs it, the client can have it back.
 */
export interface DhcpBinding {
  readonly address: Ipv4
  readonly state: 'offered' | 'bound' | 'released' | 'declined'
  /** The client: `id:` and its identifier, or `mac:` and its hardware address, in hex. */
  readonly client: string
  readonly mac: Mac
  readonly hostName: string | undefined
  /** A time of the clock's `now()`, or Infinity. */
  readonly expiresAt: number
}

/** A client that always gets the same address. */
export interface FixedHost {
  readonly address: Ipv4
  /** As in `DhcpBinding`. */
  readonly client: string | undefined
  readonly mac: Mac | undefined
  readonly hostName: string | undefined
}

/** Who asks. */
export interface Asker {
  readonly client: string
  readonly mac: Mac
}

/** The addresses of one subnet and who has them. A full table gives up what expired first. */
export class Bindings {
  readonly #pool: AddressPool
  readonly #hosts: readonly FixedHost[]
  readonly #most: number
  readonly #byAddress = new Map<Ipv4, DhcpBinding>()
  readonly #byClient = new Map<string, Ipv4>()

  constructor(pool: AddressPool, hosts: readonly FixedHost[], most: number) {
    this.#pool = pool
    this.#hosts = hosts
    this.#most = most
  }

  all(): Iterable<DhcpBinding> {
    return this.#byAddress.values()
  }

  at(address: Ipv4): DhcpBinding | undefined {
    return this.#byAddress.get(address)
  }

  /** The binding of a client, be it expired. */
  of(client: string): DhcpBinding | undefined {
    const address = this.#byClient.get(client)
    return address === undefined ? undefined : this.#byAddress.get(address)
  }

  /** The entry for a client that always gets the same address. */
  host({ client, mac }: Asker): FixedHost | undefined {
    return this.#hosts.find((host) => (host.client === undefined ? host.mac === mac : host.client === client))
  }

  /** Whether the client can have the address. */
  canHave(now: number, asker: Asker, address: Ipv4): boolean {
    const host = this.host(asker)
    if (host === undefined ? !this.#pool.has(address) : host.address !== address) return false
    const binding = this.at(address)
    return binding === undefined || binding.expiresAt <= now || isOf(binding, asker)
  }

  /** The address for a client, in the order of RFC 2131 §4.3.1; undefined where there is none. */
  choose(now: number, asker: Asker, wish: Ipv4 | undefined): Ipv4 | undefined {
    const host = this.host(asker)
    if (host !== undefined) return this.canHave(now, asker, host.address) ? host.address : undefined
    const own = this.of(asker.client)
    if (own !== undefined && this.canHave(now, asker, own.address)) return own.address
    if (wish !== undefined && this.canHave(now, asker, wish)) return wish
    return this.#fresh(asker.client) ?? this.#oldest(now)?.address
  }

  /**
   * Enters a binding in place of what was there, of the address and of the client. Returns the addresses that were forgotten for it; undefined,
   * and nothing changed, where the table is full and nothing in it has expired.
   */
  put(now: number, binding: DhcpBinding): readonly Ipv4[] | undefined {
    const gone = new Set<Ipv4>()
    const before = this.of(binding.client)
    if (before !== undefined) gone.add(before.address)
    if (before === undefined && !this.#byAddress.has(binding.address) && this.#byAddress.size >= this.#most) {
      const oldest = this.#oldest(now)
      if (oldest === undefined) return undefined
      gone.add(oldest.address)
    }
    for (const address of gone) this.remove(address)
    this.remove(binding.address)
    this.#byAddress.set(binding.address, binding)
    // A declined address is nobody's.
    if (binding.state !== 'declined') this.#byClient.set(binding.client, binding.address)
    gone.delete(binding.address)
    return [...gone]
  }

  remove(address: Ipv4): boolean {
    const binding = this.at(address)
    if (binding === undefined) return false
    this.#byAddress.delete(address)
    if (this.#byClient.get(binding.client) === address) this.#byClient.delete(binding.client)
    return true
  }

  /** An address that nobody has had, found from a place of the client's own: it tends to get the same one from an empty table. */
  #fresh(client: string): Ipv4 | undefined {
    for (const address of this.#pool.from(hash(client) % Math.max(this.#pool.size, 1)))
      if (!this.#byAddress.has(address)) return address
    return undefined
  }

  /** What has been free for the longest time. */
  #oldest(now: number): DhcpBinding | undefined {
    let oldest: DhcpBinding | undefined
    for (const binding of this.#byAddress.values())
      if (
        binding.expiresAt <= now &&
        this.#pool.has(binding.address) &&
        !(oldest && oldest.expiresAt <= binding.expiresAt)
      )
        oldest = binding
    return oldest
  }
}

/** Whether the binding is the client's, and may go on being. */
function isOf(binding: DhcpBinding, { client }: Asker): boolean {
  return binding.client === client && binding.state !== 'declined'
}

/** FNV-1a over the characters. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}
