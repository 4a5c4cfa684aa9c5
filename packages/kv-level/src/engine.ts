import { type Key, KvError } from '@fata/kv'
import type { AbstractLevel, AbstractSnapshot } from 'abstract-level'
import { toReadError, toWriteError } from './errors.ts'
import { decodeValue, type Range, type ValueRecord } from './wire.ts'

/** Any engine, whatever it takes for keys and values when nobody says otherwise. */
export type Level = AbstractLevel<unknown, unknown, unknown>

export type EngineOp =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string }

const KEYS = { keyEncoding: 'utf8' } as const
const RECORDS = { keyEncoding: 'utf8', valueEncoding: 'view' } as const
/** Asks for durability; an engine that does not know of it takes no notice. */
const SYNC = { ...RECORDS, sync: true } as const
/** Every so many reads one takes the way over the thread pool, so that a loop of reads lets others have their turn. */
const READS_PER_TURN = 32

type ReadOptions = { readonly snapshot?: AbstractSnapshot }

/** An engine as the store uses it: text keys, records, and errors of the store. */
export class Engine {
  readonly level: Level
  #reads = 0
  /** Even while no write is under way. */
  #epoch = 0
  #failure: KvError | undefined

  constructor(level: Level) {
    this.level = level
  }

  /** Changes whenever what is stored may have changed; undefined while it is changing. */
  get epoch(): number | undefined {
    return this.#epoch % 2 === 0 ? this.#epoch : undefined
  }

  async get(engineKey: string, key: Key, at: ReadOptions): Promise<ValueRecord | undefined> {
    const record = await this.#get(engineKey, { ...RECORDS, ...at }).catch((error: unknown) => {
      throw toReadError(error, key)
    })
    return record && decoded(record, key)
  }

  async #get(engineKey: string, options: typeof RECORDS & ReadOptions): Promise<Uint8Array | undefined> {
    const quick = this.level.supports['getSync' as 'has'] && ++this.#reads % READS_PER_TURN !== 0
    if (quick) return this.level.getSync<string, Uint8Array>(engineKey, options)
    return this.level.get<string, Uint8Array>(engineKey, options)
  }

  async getMany(engineKeys: readonly string[]): Promise<Array<Uint8Array | undefined>> {
    if (engineKeys.length === 0) return []
    return reading(() => this.level.getMany<string, Uint8Array>([...engineKeys], RECORDS))
  }

  async hasMany(engineKeys: readonly string[], at: ReadOptions): Promise<boolean[]> {
    if (engineKeys.length === 0) return []
    return reading(() => this.level.hasMany<string>([...engineKeys], { ...KEYS, ...at }))
  }

  /** The first so many keys of the range. */
  async keys(range: Range & { gt?: string }, limit: number, at: ReadOptions): Promise<string[]> {
    const { gt, gte, lt } = range
    const bounds = { ...(gt === undefined ? { gte } : { gt }), ...(lt === undefined ? {} : { lt }) }
    return reading(() => this.level.keys<string>({ ...KEYS, ...bounds, limit, ...at }).all())
  }

  /** All of it or nothing, durably. After a failure every write is refused, since the engine may have lost its footing. */
  async write(ops: readonly EngineOp[]): Promise<void> {
    this.check()
    this.#epoch++
    try {
      await this.level.batch<string, Uint8Array>([...ops], SYNC)
    } catch (error) {
      this.#failure = toWriteError(error)
      throw this.#failure
    } finally {
      this.#epoch++
    }
  }

  /** Throws KvError KV_IO once a write has failed. */
  check(): void {
    const cause = this.#failure?.cause
    if (this.#failure) throw new KvError('KV_IO', { message: 'a write has failed; open the store again', cause })
  }
}

export function decoded(record: Uint8Array, key: Key): ValueRecord {
  const found = decodeValue(record)
  if (!found) throw new KvError('KV_CORRUPT', { key })
  return found
}

async function reading<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation()
  } catch (error) {
    throw toReadError(error)
  }
}
