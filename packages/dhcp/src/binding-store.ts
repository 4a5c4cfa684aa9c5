import { formatIpv4, formatMac, parseIpv4, parseMac } from '@fata/addr'
import { errorCode, type KvRw, toKey } from '@fata/kv'
import type { Clock } from '@fata/runtime'
import type { DhcpBinding } from './core/bindings.ts'

/** What a server needs of a store. */
export type DhcpServerStore = Pick<KvRw, 'get' | 'set' | 'remove' | 'list'>

/** What is kept of a binding under its address: times since 1970, null for never. */
interface Stored {
  readonly state: DhcpBinding['state']
  readonly client: string
  readonly mac: string
  readonly hostName?: string | undefined
  readonly expires: number | null
}

/** The bindings of a server in a store, one value for each address. Rejects as the store does. */
export class BindingStore {
  readonly #store: DhcpServerStore
  readonly #root: string
  readonly #clock: Clock

  constructor(store: DhcpServerStore, root: string, clock: Clock) {
    this.#store = store
    this.#root = root
    this.#clock = clock
  }

  /** Calls `each` for every binding that can be read, and returns how many cannot. */
  async load(each: (binding: DhcpBinding) => void): Promise<number> {
    let unreadable = 0
    for (const [key] of await this.#keys()) {
      const bytes = await this.#store.get(key)
      const binding = bytes && this.#parse(key.basename, new TextDecoder().decode(bytes))
      if (binding === undefined) unreadable++
      else each(binding)
    }
    return unreadable
  }

  save({ address, state, client, mac, hostName, expiresAt }: DhcpBinding): Promise<void> {
    const shift = this.#clock.wallTime() - this.#clock.now()
    const expires = expiresAt === Number.POSITIVE_INFINITY ? null : Math.floor(expiresAt + shift)
    const stored: Stored = { state, client, mac: formatMac(mac), hostName, expires }
    return this.#store.set(this.#key(address), new TextEncoder().encode(JSON.stringify(stored)))
  }

  remove(address: DhcpBinding['address']): Promise<void> {
    return this.#store.remove(this.#key(address))
  }

  async #keys(): ReturnType<DhcpServerStore['list']> {
    try {
      return await this.#store.list(this.#root)
    } catch (error) {
      if (errorCode(error) === 'KV_NOT_FOUND') return []
      throw error
    }
  }

  #key(address: DhcpBinding['address']): ReturnType<typeof toKey> {
    return toKey(this.#root).child(formatIpv4(address))
  }

  #parse(name: string, text: string): DhcpBinding | undefined {
    let s: Partial<Stored> | null
    try {
      s = JSON.parse(text) as Partial<Stored> | null
    } catch {
      return undefined
    }
    const address = parseIpv4(name)
    const mac = parseMac(String(s?.mac))
    const expires = s?.expires === null ? Number.POSITIVE_INFINITY : s?.expires
    const { state, client, hostName } = s ?? {}
    if (address === undefined || mac === undefined || typeof expires !== 'number') return undefined
    if (typeof client !== 'string' || (state !== 'bound' && state !== 'released' && state !== 'declined'))
      return undefined
    const expiresAt = expires + this.#clock.now() - this.#clock.wallTime()
    return { address, state, client, mac, hostName: typeof hostName === 'string' ? hostName : undefined, expiresAt }
  }
}
