import { Key, type KvAsyncView, KvError, type KvKind } from '@fata/kv'
import { absent, type Compare, type KeyValue, noneCreatedSince, present, type RangeResponse, unchanged } from './api.ts'
import type { Client } from './client.ts'
import type { CallOptions } from './endpoints.ts'
import { decodeRecord, isRoot, type KeySpace } from './wire.ts'

/** Enough to tell a value, a dictionary and nothing apart, and to know all of a value or of nothing. */
const PROBE = 2
/** Values read at one time; each may be as large as a request may be. */
const TOGETHER = 8

interface Probe {
  readonly kvs: readonly KeyValue[]
  readonly complete: boolean
}

export interface StateDeps {
  readonly client: Client
  readonly space: KeySpace
  readonly maxOps: number
}

/**
 * The store at one revision, as far as one batch asks for it, and what must still hold for the answers to be true when the
 * batch commits. Rejects with Compacted when etcd forgets the revision.
 */
export class State implements KvAsyncView {
  readonly revision: string
  readonly #deps: StateDeps
  readonly #probes: Map<string, Probe>
  readonly #options: CallOptions
  readonly #precise = new Map<string, Compare>()
  /** Those that hold of values which nobody may touch. */
  readonly #exact = new Map<string, Compare>()
  /** Keys that the batch itself hides or binds. */
  readonly #touched: readonly Key[]
  /** Dictionaries that it matters to find again. */
  readonly #dests: ReadonlySet<string>

  private constructor(deps: StateDeps, seed: Seed, options: CallOptions, intent: Intent) {
    this.#deps = deps
    this.revision = seed.revision
    this.#probes = seed.probes
    this.#options = options
    this.#touched = intent.touched
    this.#dests = new Set(intent.dests.map(String))
  }

  /** At the newest revision, with what is known beforehand to be asked for, in as few requests as there may be. */
  static async read(deps: StateDeps, intent: Intent, options: CallOptions): Promise<State> {
    const keys = new Map<string, Key>()
    for (let key of [...intent.touched, ...intent.dests, ...intent.read]) {
      for (; !isRoot(key) && !keys.has(key.toString()); key = key.parent) keys.set(key.toString(), key)
    }
    return new State(deps, await prefetch(deps, [...keys.values()], options), options, intent)
  }

  async kind(key: Key): Promise<KvKind | undefined> {
    if (isRoot(key)) return 'dictionary'
    const { kvs } = await this.#probe(key)
    const { one, tree } = this.#ranges(key)
    const [first] = kvs
    if (!first) {
      this.#guard(absent(tree))
      return undefined
    }
    if (first.key === one.key) {
      this.#guard(present(one))
      return 'value'
    }
    const witness = present({ key: first.key })
    if (this.#dests.has(key.toString())) this.#exact.set(first.key, witness)
    else this.#guard(witness)
    return 'dictionary'
  }

  async values(key: Key): Promise<readonly Key[]> {
    const { tree } = this.#ranges(key)
    const probe = isRoot(key) ? undefined : await this.#probe(key)
    const kvs = probe?.complete ? probe.kvs : await this.#all(key)
    this.#guard(kvs.length === 0 ? absent(tree) : noneCreatedSince(tree, this.revision))
    const keys = kvs.flatMap((kv) => this.#deps.space.decode(kv.key) ?? [])
    // As long as one that the batch leaves alone is there, the key is a dictionary to the batch.
    const left = keys.find((value) => !this.#touched.some((touched) => value.startsWith(touched)))
    if (left) {
      const { one } = this.#ranges(left)
      this.#exact.set(one.key, this.#exact.get(one.key) ?? present(one))
    }
    return keys
  }

  /** The bytes of a value, which nobody may change until the batch commits; undefined for anything else. */
  async value(key: Key): Promise<Uint8Array | undefined> {
    const [first] = isRoot(key) ? [] : (await this.#probe(key)).kvs
    if (first?.key !== this.#ranges(key).one.key) return undefined
    this.#exact.set(first.key, unchanged(first))
    const { kvs = [] } = await this.#range({ key: first.key }, key)
    return decodeRecord(kvs[0]?.value, key).value
  }

  /** The values of the keys, in their order. Throws KvError KV_TOO_LARGE once they exceed `limit` bytes together. */
  async valuesOf(keys: readonly Key[], limit: number): Promise<Uint8Array[]> {
    const values: Uint8Array[] = []
    let bytes = 0
    for (let at = 0; at < keys.length; at += TOGETHER) {
      for (const value of await Promise.all(keys.slice(at, at + TOGETHER).map((key) => this.value(key)))) {
        bytes += value?.length ?? 0
        if (bytes > limit) throw new KvError('KV_TOO_LARGE', { message: 'too many bytes in a batch', limit })
        values.push(value ?? new Uint8Array(0))
      }
    }
    return values
  }

  /** All of what must hold, only of keys that were asked for. */
  precise(): Compare[] {
    return [...this.#precise.values(), ...this.#exact.values()]
  }

  /** Fewer, at the price that no key at all may have come into the store. */
  broad(): Compare[] {
    return [noneCreatedSince(this.#deps.space.tree(Key.root), this.revision), ...this.#exact.values()]
  }

  #guard(compare: Compare): void {
    this.#precise.set(`${compare.target} ${compare.result} ${compare.key} ${compare.range_end}`, compare)
  }

  #ranges(key: Key) {
    return { one: this.#deps.space.one(key), tree: this.#deps.space.tree(key) }
  }

  async #probe(key: Key): Promise<Probe> {
    const known = this.#probes.get(key.toString())
    if (known) return known
    const probe = toProbe(await this.#range({ ...this.#ranges(key).tree, limit: PROBE, keys_only: true }, key))
    this.#probes.set(key.toString(), probe)
    return probe
  }

  async #all(key: Key): Promise<readonly KeyValue[]> {
    const request = { ...this.#ranges(key).tree, keys_only: true, revision: this.revision }
    const { kvs = [] } = await this.#deps.client.all(request, this.#options)
    this.#probes.set(key.toString(), { kvs, complete: true })
    return kvs
  }

  #range(request: { key: string; limit?: number; keys_only?: boolean }, key: Key): Promise<RangeResponse> {
    return this.#deps.client.range({ ...request, revision: this.revision }, { ...this.#options, key })
  }
}

/** What a batch is going to do. */
export interface Intent {
  readonly touched: readonly Key[]
  /** Where what is renamed goes. */
  readonly dests: readonly Key[]
  /** Keys that are asked for besides. */
  readonly read: readonly Key[]
}

interface Seed {
  readonly revision: string
  readonly probes: Map<string, Probe>
}

async function prefetch(
  { client, space, maxOps }: StateDeps,
  keys: readonly Key[],
  options: CallOptions,
): Promise<Seed> {
  const probes = new Map<string, Probe>()
  let revision: string | undefined
  for (let at = 0; at === 0 || at < keys.length; at += maxOps) {
    const part = keys.slice(at, at + maxOps)
    // An answer names the revision also where nothing is asked for.
    const asked = part.length > 0 ? part.map((key) => space.tree(key)) : [space.one(Key.root)]
    const requests = asked.map((range) => {
      return { ...range, limit: PROBE, keys_only: true, ...(revision === undefined ? {} : { revision }) }
    })
    const answers = await client.ranges(requests, options)
    revision ??= answers[0]!.header.revision
    for (const [i, key] of part.entries()) probes.set(key.toString(), toProbe(answers[i]!))
  }
  return { revision: revision!, probes }
}

function toProbe({ kvs = [], more = false }: RangeResponse): Probe {
  return { kvs, complete: !more }
}
