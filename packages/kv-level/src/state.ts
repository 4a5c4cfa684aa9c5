import type { Key, KvAsyncView, KvKind, OwnedOp } from '@fata/kv'
import type { Engine, EngineOp } from './engine.ts'
import { childRange, decodeValueKey, dictionaryKey, type Range, rangeBelow, valueKey } from './wire.ts'

/** Values and dictionaries that are remembered to exist. */
const MAX_KNOWN = 65_536
/** Engine keys that are read at a time. */
const PAGE = 1000

/**
 * The state that a write starts from. Every question to the engine costs a hop to the thread pool, so what a write is going to
 * ask is fetched at once; and what exists is remembered, since nobody else writes.
 */
export class State implements KvAsyncView {
  readonly #engine: Engine
  /** By the engine key of the value. The oldest makes room. */
  readonly #known = new Map<string, KvKind>()
  /** Nothing was bound to these when this write has asked. */
  readonly #absent = new Set<string>()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Fetches what the operations are about to ask. */
  async prepare(ops: readonly OwnedOp[]): Promise<void> {
    const wanted = new Map<string, Key>()
    const want = (key: Key): void => {
      for (let at = key; at.segments.length > 0; at = at.parent) {
        const engineKey = valueKey(at)
        const known = this.#known.get(engineKey)
        if (known === undefined && !this.#absent.has(engineKey)) wanted.set(engineKey, at)
        // What lies above a value or a dictionary is a dictionary.
        else if (known) return
      }
    }
    for (const op of ops) {
      if (op.op !== 'rename') want(op.key)
      else {
        want(op.source)
        want(op.dest)
      }
    }
    await this.#fetch(wanted)
  }

  async kind(key: Key): Promise<KvKind | undefined> {
    if (key.segments.length === 0) return 'dictionary'
    const engineKey = valueKey(key)
    if (!this.#known.has(engineKey) && !this.#absent.has(engineKey)) await this.#fetch(new Map([[engineKey, key]]))
    return this.#known.get(engineKey)
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

  /** The records of the values, by engine key. */
  async records(keys: readonly Key[]): Promise<ReadonlyMap<string, Uint8Array>> {
    const wanted = [...new Set(keys.map(valueKey))]
    const found = await this.#engine.getMany(wanted)
    return new Map(wanted.flatMap((engineKey, i) => (found[i] ? [[engineKey, found[i]]] : [])))
  }

  /** Whether the dictionary has a child left without these, given by engine key. */
  async hasOtherChild(dictionary: Key, gone: ReadonlySet<string>): Promise<boolean> {
    for await (const page of this.#pages(childRange(dictionary))) {
      if (page.some((engineKey) => !gone.has(engineKey))) return true
    }
    return false
  }

  /** To be told of every write, once it has ended. */
  written(ops: readonly EngineOp[]): void {
    for (const { type, key } of ops) {
      const isDictionary = key.endsWith('\0')
      const engineKey = isDictionary ? key.slice(0, -1) : key
      if (type === 'put') this.#known.set(engineKey, isDictionary ? 'dictionary' : 'value')
      // A value may have come in the place of a dictionary, or the other way round, by the same write.
      else if (this.#known.get(engineKey) === (isDictionary ? 'dictionary' : 'value')) this.#known.delete(engineKey)
    }
    this.forget()
  }

  /** What is absent may come to be. */
  forget(): void {
    this.#absent.clear()
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN) return
      this.#known.delete(oldest)
    }
  }

  async *#pages(range: Range): AsyncGenerator<string[]> {
    let from: Range & { gt?: string } = range
    for (;;) {
      const page = await this.#engine.keys(from, PAGE, {})
      if (page.length > 0) yield page
      if (page.length < PAGE) return
      from = { ...range, gt: page.at(-1)! }
    }
  }

  /** A dictionary has no value: only what is none is looked for once more. */
  async #fetch(keys: ReadonlyMap<string, Key>): Promise<void> {
    const engineKeys = [...keys.keys()]
    const isValue = await this.#engine.hasMany(engineKeys, {})
    const others = engineKeys.filter((_, i) => !isValue[i])
    const isDictionary = await this.#engine.hasMany(
      others.map((engineKey) => dictionaryKey(keys.get(engineKey)!)),
      {},
    )
    for (const [i, engineKey] of engineKeys.entries()) if (isValue[i]) this.#known.set(engineKey, 'value')
    for (const [i, engineKey] of others.entries()) {
      if (isDictionary[i]) this.#known.set(engineKey, 'dictionary')
      else this.#absent.add(engineKey)
    }
  }
}
