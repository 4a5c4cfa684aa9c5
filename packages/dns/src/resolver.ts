import { type Endpoint, type IpAddress, isIpv4, parseIp, reverseName } from '@fata/addr'
import { createDriver, type Driver, type Logger, silentLogger } from '@fata/runtime'
import { type LookupFailure, ResolverCore, type ResolverOutput } from './core/core.ts'
import { completions, localAnswer } from './core/names.ts'
import type { DnsError } from './errors.ts'
import { badName, dnsError } from './failures.ts'
import { type ResolverOptions, type ResolverSettings, searchList, serverList, settings } from './options.ts'
import { createStats } from './stats.ts'
import { Transport } from './transport.ts'
import type { LookupOptions, Resolver, ResolverDeps, ResolverStats, WaitOptions } from './types.ts'
import { parseName } from './wire/name.ts'
import type { DnsRecord, QueryType, RecordOf } from './wire/types.ts'
import { typeCode, typeOf } from './wire/types.ts'

/** Makes a stub resolver. Throws a RangeError or TypeError for options that are none. */
export function createResolver(deps: ResolverDeps, options: ResolverOptions = {}): Resolver {
  return new ResolverShell(deps, settings(options))
}

type Result = readonly DnsRecord[] | LookupFailure

class ResolverShell implements Resolver {
  readonly stats: ResolverStats = createStats()
  readonly #log: Logger
  readonly #transport: Transport
  readonly #driver: Driver<ResolverCore>
  readonly #waiting = new Map<number, (result: Result) => void>()
  readonly #ndots: number
  #search: readonly string[]
  #lookups = 0
  #closed = false

  constructor({ udp, tcp, clock, random, log = silentLogger }: ResolverDeps, set: ResolverSettings) {
    this.#log = log
    this.#search = set.search
    this.#ndots = set.ndots
    this.#transport = new Transport(udp, tcp, this.stats, {
      message: (attempt, m) => this.#driver.step((core, now) => core.receive(now, attempt, m)),
      failed: (attempt, certain) => this.#driver.step((core, now) => core.failed(now, attempt, certain)),
    })
    const core = new ResolverCore(set, random, tcp !== undefined, this.stats)
    this.#driver = createDriver<ResolverOutput, ResolverCore>(core, clock, (out) => this.#perform(out))
  }

  lookup(name: string, { family, signal }: LookupOptions = {}): Promise<IpAddress[]> {
    if (family !== undefined && family !== 4 && family !== 6)
      throw new RangeError(`family must be 4 or 6, got ${String(family)}`)
    return this.#lookup(name, family === undefined ? ['AAAA', 'A'] : [TYPE_OF[family]], signal)
  }

  async #lookup(name: string, types: readonly AddressType[], signal: AbortSignal | undefined): Promise<IpAddress[]> {
    const literal = parseIp(name)
    const local = literal === undefined ? localAnswer(name) : [literal]
    if (local !== undefined) return this.#answerHere(name, types, local, signal)
    const names = completions(name, this.#search, this.#ndots).filter((n) => n !== '' && parseName(n) !== undefined)
    if (names.length === 0) throw badName(name, types[0]!)
    const results = await Promise.all(types.map((type) => this.#ask(names, type, signal)))
    const addresses = results.flatMap((result) => (typeof result === 'string' ? [] : addressesOf(result)))
    if (addresses.length > 0) return addresses
    throw worst(name, types, results as LookupFailure[])
  }

  resolve<T extends QueryType>(name: string, type: T, { signal }: WaitOptions = {}): Promise<RecordOf<T>[]> {
    const code = typeCode(type)
    if (!(Number.isInteger(code) && code >= 1 && code <= 0xffff))
      throw new RangeError(`not a record type: ${String(type)}`)
    return this.#resolve(name, typeOf(code), signal) as Promise<RecordOf<T>[]>
  }

  async #resolve(name: string, type: QueryType, signal: AbortSignal | undefined): Promise<DnsRecord[]> {
    if (parseName(name) === undefined) throw badName(name, type)
    const local = localAnswer(name)
    const result =
      local === undefined
        ? await this.#ask([name.replace(/(?<!\\)\.$/, '')], type, signal)
        : this.#localRecords(name, type, local, signal)
    if (typeof result === 'string') throw dnsError(result, name, type)
    return [...result]
  }

  async reverse(address: IpAddress, options: WaitOptions = {}): Promise<string[]> {
    const records = await this.resolve(reverseName(address), 'PTR', options)
    return records.map(({ target }) => target)
  }

  setServers(servers: readonly (Endpoint | IpAddress)[], search?: readonly string[]): void {
    const list = serverList(servers)
    if (search !== undefined) this.#search = searchList(search)
    this.#driver.step((core) => core.setServers(list))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#driver.step((core) => core.close())
    this.#driver.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #answerHere(
    name: string,
    types: readonly AddressType[],
    answer: readonly IpAddress[] | 'not-found',
    signal: AbortSignal | undefined,
  ): IpAddress[] {
    const results = types.map((type) => this.#localRecords(name, type, answer, signal))
    const addresses = results.flatMap((result) => (typeof result === 'string' ? [] : addressesOf(result)))
    if (addresses.length === 0) throw worst(name, types, results as LookupFailure[])
    return addresses
  }

  #localRecords(
    name: string,
    type: QueryType,
    answer: readonly IpAddress[] | 'not-found',
    signal: AbortSignal | undefined,
  ): Result {
    signal?.throwIfAborted()
    if (this.#closed) return 'closed'
    if (answer === 'not-found') return 'not-found'
    const records = answer.map(
      (address) => ({ name, ttl: 0, type: isIpv4(address) ? 'A' : 'AAAA', address }) as DnsRecord,
    )
    const fitting = records.filter((record) => record.type === type)
    return fitting.length > 0 ? fitting : 'no-data'
  }

  #ask(names: readonly string[], type: QueryType, signal: AbortSignal | undefined): Promise<Result> {
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    const id = this.#lookups++
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(id)
        this.#driver.step((core) => core.cancel(id))
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', onAbort)
      this.#waiting.set(id, (result) => {
        signal?.removeEventListener('abort', onAbort)
        resolve(result)
      })
      this.#driver.step((core, now) => core.lookup(now, id, names, type))
    })
  }

  #perform(out: ResolverOutput): void {
    switch (out.kind) {
      case 'udp':
        this.#transport.sendUdp(out)
        break
      case 'tcp':
        void this.#transport.sendTcp(out)
        break
      case 'end':
        this.#transport.end(out.attempt)
        break
      case 'result': {
        const settle = this.#waiting.get(out.lookup)
        this.#waiting.delete(out.lookup)
        if (typeof out.result === 'string' && this.#log.enabled('debug'))
          this.#log.log('debug', 'dns', 'lookup has failed', { lookup: out.lookup, reason: out.result })
        settle?.(out.result)
        break
      }
      default:
        out satisfies never
    }
  }
}

type AddressType = 'A' | 'AAAA'

const TYPE_OF = { 4: 'A', 6: 'AAAA' } as const

function addressesOf(records: readonly DnsRecord[]): IpAddress[] {
  return records.flatMap((record) => (record.type === 'A' || record.type === 'AAAA' ? [record.address] : []))
}

/** The error that says most: that something went wrong before that a name has no address before that there is no name. */
function worst(name: string, types: readonly AddressType[], failures: readonly LookupFailure[]): DnsError {
  const rank = (f: LookupFailure): number => (f === 'not-found' ? 0 : f === 'no-data' ? 1 : 2)
  const index = failures.reduce((best, f, i) => (rank(f) > rank(failures[best]!) ? i : best), 0)
  return dnsError(failures[index]!, name, types[index]!)
}
