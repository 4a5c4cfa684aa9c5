import { type Key, KeyTree, KvError, type KvKind, type KvView } from '@fata/kv'
import type { TarValue } from './archive.ts'
import type { NewEntry } from './core/layout.ts'

/** The store with what is about to be appended together: what the writes in it see of those before them. */
export class Pending implements KvView {
  readonly #tree: KeyTree<TarValue>
  readonly #maxEntries: number
  readonly #new = new KeyTree<NewEntry>()
  readonly #order = new Map<string, NewEntry>()
  #added = 0
  /** Of values, those included that are overwritten in turn. */
  bytes = 0

  constructor(tree: KeyTree<TarValue>, maxEntries: number) {
    this.#tree = tree
    this.#maxEntries = maxEntries
  }

  kind(key: Key): KvKind | undefined {
    return this.#new.kind(key) ?? this.#tree.kind(key)
  }

  values(key: Key): Key[] {
    const all = [...this.#new.values(key), ...this.#tree.values(key)]
    return [...new Map(all.map((one) => [one.toString(), one])).values()]
  }

  /** Of which the bytes are not in the file. */
  added(key: Key): Uint8Array | undefined {
    return this.#new.value(key)?.value
  }

  lastModified(key: Key): number {
    return (this.#new.value(key) ?? this.#tree.value(key))?.lastModified ?? Number.NEGATIVE_INFINITY
  }

  /** All of them or none; the keys must be free for values. Throws KvError KV_TOO_LARGE. */
  put(entries: readonly NewEntry[]): void {
    const added = entries.filter(({ key }) => this.kind(key) === undefined).length
    if (this.#tree.size + this.#added + added > this.#maxEntries) {
      throw new KvError('KV_TOO_LARGE', { message: 'too many values in the archive', limit: this.#maxEntries })
    }
    this.#added += added
    for (const entry of entries) {
      this.#new.set(entry.key, entry)
      this.#order.set(entry.key.toString(), entry)
      this.bytes += entry.value.length
    }
  }

  /** What has to be appended: of each key the last value. */
  entries(): NewEntry[] {
    return [...this.#order.values()]
  }
}
