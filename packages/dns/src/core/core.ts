import type { Endpoint } from '@fata/addr'
import type { Core, Random } from '@fata/runtime'
import type { ResolverSettings } from '../options.ts'
import type { ResolverStats } from '../types.ts'
import { foldName } from '../wire/name.ts'
import { type DnsRecord, type Message, type QueryType, typeCode } from '../wire/types.ts'
import type { Outcome } from './answer.ts'
import { Cache } from './cache.ts'
import { Exchange, type ExchangeContext, type ExchangeFailure, type ExchangeOutput, type Ignored } from './exchange.ts'
import { Servers } from './servers.ts'

export type LookupFailure = ExchangeFailure | 'not-found' | 'no-data' | 'no-servers' | 'limit' | 'closed'

/** What the core wants done. */
export type ResolverOutput =
  | ExchangeOutput
  | { readonly kind: 'result'; readonly lookup: number; readonly result: readonly DnsRecord[] | LookupFailure }

interface Lookup {
  readonly type: QueryType
  /** The name that is being asked for, and those to try where it has no such records. */
  name: string
  readonly others: string[]
  aliases: number
  /** One of the names exists. */
  exists: boolean
}

/**
 * A stub resolver (RFC 1034 §5.3.1, RFC 1123 §6.1.3): lookups walk through names and aliases, and share exchanges, one for each question,
 * and the cache.
 */
export class ResolverCore implements Core<ResolverOutput> {
  readonly #settings: ResolverSettings
  readonly #stats: ResolverStats
  readonly #out: ResolverOutput[] = []
  readonly #cache: Cache
  readonly #servers: Servers
  readonly #context: ExchangeContext
  readonly #exchanges = new Map<string, Exchange>()
  readonly #lookups = new Map<number, Lookup>()
  #hasServers = false
  #attempts = 0
  #closed = false

  constructor(settings: ResolverSettings, random: Random, hasTcp: boolean, stats: ResolverStats) {
    this.#settings = settings
    this.#stats = stats
    this.#cache = new Cache(settings)
    this.#servers = new Servers(settings.penaltyMs)
    this.#context = {
      ...{ settings, random, hasTcp, servers: this.#servers, out: this.#out },
      nextAttempt: () => this.#attempts++,
      timedOut: () => void stats.timeouts++,
    }
    this.setServers(settings.servers)
  }

  /** Answers of others are forgotten; exchanges under way go on. */
  setServers(servers: readonly Endpoint[]): void {
    this.#servers.set(servers)
    this.#hasServers = servers.length > 0
    this.#cache.clear()
  }

  /** Looks for `type` records of the first of `names` that has some. The result carries the number `id`. */
  lookup(now: number, id: number, names: readonly string[], type: QueryType): void {
    const [name, ...others] = names
    if (this.#closed) this.#tell(id, 'closed')
    else if (this.#lookups.size >= this.#settings.maxLookups) this.#tell(id, 'limit')
    else {
      this.#lookups.set(id, { type, name: name!, others, aliases: 0, exists: false })
      this.#proceed(now, id)
    }
  }

  /** Nobody waits for a lookup any more; what was asked goes on, for the cache. */
  cancel(id: number): void {
    this.#lookups.delete(id)
    for (const exchange of this.#exchanges.values()) exchange.waiters.delete(id)
  }

  /** A message has come for an attempt. Returns why it was ignored. */
  receive(now: number, attempt: number, m: Message): Ignored | undefined {
    for (const [key, exchange] of this.#exchanges) {
      if (!exchange.has(attempt)) continue
      const ignored = exchange.receive(now, attempt, m)
      if (ignored === undefined) this.#stats.answers++
      this.#settle(now, key, exchange)
      return ignored
    }
    return 'unexpected'
  }

  /** An attempt cannot be made, or nobody serves there; where that is not `certain`, the network has said that it may be so. */
  failed(now: number, attempt: number, certain: boolean): void {
    for (const [key, exchange] of this.#exchanges) {
      if (!exchange.has(attempt)) continue
      if (certain) exchange.fail(now, attempt, 'unreachable')
      else exchange.doubt(now, attempt)
      this.#settle(now, key, exchange)
      return
    }
  }

  close(): void {
    this.#closed = true
    for (const exchange of this.#exchanges.values()) exchange.cancel()
    this.#exchanges.clear()
    for (const id of this.#lookups.keys()) this.#finish(id, 'closed')
    this.#cache.clear()
  }

  timeout(now: number): void {
    for (const [key, exchange] of this.#exchanges) {
      exchange.timeout(now)
      this.#settle(now, key, exchange)
    }
  }

  poll(): ResolverOutput | undefined {
    return this.#out.shift()
  }

  deadline(): number {
    let at = Number.POSITIVE_INFINITY
    for (const exchange of this.#exchanges.values()) at = Math.min(at, exchange.deadline)
    return at
  }

  /** Asks for the present name of a lookup: the cache, an exchange under way, the servers. */
  #proceed(now: number, id: number): void {
    const { name, type } = this.#lookups.get(id)!
    const key = `${typeCode(type)} ${foldName(name)}`
    const cached = this.#cache.get(key, now)
    if (cached !== undefined) {
      this.#stats.cacheHits++
      this.#advance(now, id, cached)
      return
    }
    const underWay = this.#exchanges.get(key)
    if (underWay !== undefined) underWay.waiters.add(id)
    else if (!this.#hasServers) this.#finish(id, 'no-servers')
    else if (this.#exchanges.size >= this.#settings.maxQueries) this.#finish(id, 'limit')
    else {
      const exchange = new Exchange(this.#context, name, type, now)
      exchange.waiters.add(id)
      this.#exchanges.set(key, exchange)
    }
  }

  #settle(now: number, key: string, exchange: Exchange): void {
    const { result } = exchange
    if (result === undefined) return
    this.#exchanges.delete(key)
    if (typeof result !== 'string' && this.#cache.set(key, result, now)) this.#stats.evictions++
    for (const id of exchange.waiters) this.#advance(now, id, result)
  }

  #advance(now: number, id: number, result: Outcome | ExchangeFailure): void {
    const lookup = this.#lookups.get(id)!
    if (typeof result === 'string') this.#finish(id, result)
    else if (result.kind === 'records') this.#finish(id, result.records)
    else if (result.kind === 'alias') {
      lookup.aliases += result.aliases
      lookup.name = result.target
      if (lookup.aliases > this.#settings.maxAliases) this.#finish(id, 'bad-answer')
      else this.#proceed(now, id)
    } else {
      lookup.exists ||= result.kind === 'no-data'
      const next = lookup.others.shift()
      if (next === undefined) {
        this.#finish(id, lookup.exists ? 'no-data' : 'not-found')
      } else {
        lookup.name = next
        lookup.aliases = 0
        this.#proceed(now, id)
      }
    }
  }

  #finish(id: number, result: readonly DnsRecord[] | LookupFailure): void {
    this.#lookups.delete(id)
    this.#tell(id, result)
  }

  #tell(lookup: number, result: readonly DnsRecord[] | LookupFailure): void {
    this.#out.push({ kind: 'result', lookup, result })
  }
}
