import type { Key, KvAsyncView, KvKind, OwnedOp } from '@fata/kv'
import type { Engine } from './engine.ts'
import { childRange, decodeValueKey, dictionaryKey, rangeBelow, valueKey } from './wire.ts'

/** Dictionaries that are remembered to exist. */
const MAX_KNOWN = 16_384
/** Engine keys that are read at a time. */
const PAGE = 1000

/** A record as it was before the write, or that there was none. */
export type Before = Uint8Array | undefined

/**
 * The state that a write starts from. What a write is going to ask is fetched at once, since every question on its own costs a
 * hop to the thread pool. Between writes it remembers dictionaries only: nobody else writes.
 */
export class State implements KvAsyncView {
  readonly #engine: Engine
  readonly #known = new Set<string>()
  readonly #kinds = new Map<string, KvKind | undefined>()
  readonly #records = new Map<string, Before>()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** To be called when a write has ended: what it has asked may be so no more. */
  forget(): void {
    this.#kinds.clear()
    this.#records.clear()
  }

  /** Fetches what the operations are about to ask. */
  async prepare(ops: readonly OwnedOp[]): Promise<void> {
    const wanted = new Map<string, Key>()
    const want = (key: Key): void => {
      for (let at = key; at.segments.length > 0 && !this.#known.has(dictionaryKey(at)); at = at.parent) {
        if (!this.#kinds.has(valueKey(at))) wanted.set(valueKey(at), at)
      }
    }
    for (const op of ops) {
      if (op.op !== 'rename') want(op.key)
      else {
        want(op.source)
        want(op.dest)
      }
    }
    await this.#fetch([...wanted.values()])
  }

  async kind(key: Key): Promise<KvKind | undefined> {
    if (this.isDictionary(key)) return 'dictionary'
    const engineKey = valueKey(key)
    if (!this.#kinds.has(engineKey)) await this.#fetch([key])
    return this.#kinds.get(engineKey)
  }

  async values(key: Key): Promise<Key[]> {
    const kind = await this.kind(key)
    if (kind !== 'dictionary') return kind ? [key] : []
    const found: Key[] = []
    for await (const page of this.#pages(rangeBelow(key))) {
      for (const engineKey of page) {
        const value = decodeValueKey(engineKey)
        if (value) found.push(value)
      }
    }
    return found
  }

  /** The records of values that are about to be replaced, moved or removed, by engine key; missing ones are fetched. */
  async records(keys: readonly Key[]): Promise<ReadonlyMap<string, Before>> {
    const missing = [...new Set(keys.map(valueKey))].filter((engineKey) => !this.#records.has(engineKey))
    const found = await this.#engine.getMany(missing)
    for (const [i, engineKey] of missing.entries()) this.#records.set(engineKey, found[i])
    return this.#records
  }

  /** Whether it is known to be one; the root always is. */
  isDictionary(key: Key): boolean {
    return key.segments.length === 0 || this.#known.has(dictionaryKey(key))
  }

  /** Whether the dictionary has a child left without these, given by engine key. */
  async hasOtherChild(dictionary: Key, gone: ReadonlySet<string>): Promise<boolean> {
    for await (const page of this.#pages(childRange(dictionary))) {
      if (page.some((engineKey) => !gone.has(engineKey))) return true
    }
    return false
  }

  /** What a write has made of dictionaries, given by engine key. */
  remember(made: Iterable<string>, removed: Iterable<string>): void {
    for (const engineKey of removed) this.#known.delete(engineKey)
    if (this.#known.size > MAX_KNOWN) this.#known.clear()
    for (const engineKey of made) this.#known.add(engineKey)
  }

  async *#pages(range: { gte: string; lt?: string }): AsyncGenerator<string[]> {
    let from: { gte: string; lt?: string; gt?: string } = range
    for (;;) {
      const page = await this.#engine.keys(from, PAGE, {})
      if (page.length > 0) yield page
      if (page.length < PAGE) return
      from = { ...range, gt: page.at(-1)! }
    }
  }

  async #fetch(keys: readonly Key[]): Promise<void> {
    const [records, dictionaries] = await Promise.all([
      this.#engine.getMany(keys.map(valueKey)),
      this.#engine.hasMany(keys.map(dictionaryKey), {}),
    ])
    for (const [i, key] of keys.entries()) {
      const record = records[i]
      this.#records.set(valueKey(key), record)
      this.#kinds.set(valueKey(key), record ? 'value' : dictionaries[i] ? 'dictionary' : undefined)
      if (dictionaries[i]) this.#known.add(dictionaryKey(key))
    }
  }
}
