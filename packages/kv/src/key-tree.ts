import { type Key, KvError } from './key.ts'
import type { KvView } from './plan.ts'
import { compareSegments } from './segment.ts'
import type { KvKind, KvListOptions } from './store.ts'

interface Leaf<V> {
  readonly kind: 'value'
  value: V
}

interface Branch<V> {
  readonly kind: 'dictionary'
  readonly children: Map<string, Leaf<V> | Branch<V>>
  /** The names in order, until one comes. */
  sorted: string[] | undefined
}

/** What a store in memory knows of each value, by key, and the dictionaries that this makes. Nothing is ever removed. */
export class KeyTree<V> implements KvView {
  readonly #root: Branch<V> = branch()
  #size = 0

  /** How many values. */
  get size(): number {
    return this.#size
  }

  kind(key: Key): KvKind | undefined {
    return this.#find(key)?.kind
  }

  /** undefined for nothing and for a dictionary. */
  value(key: Key): V | undefined {
    const node = this.#find(key)
    return node?.kind === 'value' ? node.value : undefined
  }

  /** Whether it was put: not over a dictionary, nor below a value. */
  set(key: Key, value: V): boolean {
    let at = this.#root
    const last = key.segments.length - 1
    for (let i = 0; i < last; i++) {
      const next = at.children.get(key.segments[i]!) ?? add(at, key.segments[i]!, branch<V>())
      if (next.kind === 'value') return false
      at = next
    }
    const there = last < 0 ? at : at.children.get(key.segments[last]!)
    if (there?.kind === 'dictionary') return false
    if (there) there.value = value
    else {
      add(at, key.segments[last]!, { kind: 'value', value })
      this.#size++
    }
    return true
  }

  /** A page of a dictionary. Throws KvError KV_NOT_FOUND, KV_DICTIONARY_EXPECTED. */
  list(key: Key, { after, limit }: KvListOptions = {}): Array<[Key, KvKind]> {
    const node = this.#find(key)
    if (!node) throw new KvError('KV_NOT_FOUND', { key })
    if (node.kind === 'value') throw new KvError('KV_DICTIONARY_EXPECTED', { key })
    node.sorted ??= [...node.children.keys()].sort(compareSegments)
    const from = after === undefined ? 0 : firstAfter(node.sorted, after)
    const names = node.sorted.slice(from, limit === undefined ? undefined : from + limit)
    return names.map((name) => [key.child(name), node.children.get(name)!.kind])
  }

  values(key: Key): Key[] {
    const found: Key[] = []
    const node = this.#find(key)
    if (node) collect(node, key, found)
    return found
  }

  #find(key: Key): Leaf<V> | Branch<V> | undefined {
    let node: Leaf<V> | Branch<V> | undefined = this.#root
    for (const segment of key.segments) {
      if (node?.kind !== 'dictionary') return undefined
      node = node.children.get(segment)
    }
    return node
  }
}

function branch<V>(): Branch<V> {
  return { kind: 'dictionary', children: new Map(), sorted: undefined }
}

function add<V, N extends Leaf<V> | Branch<V>>(at: Branch<V>, name: string, node: N): N {
  at.children.set(name, node)
  at.sorted = undefined
  return node
}

function firstAfter(sorted: readonly string[], name: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareSegments(sorted[middle]!, name) <= 0) low = middle + 1
    else high = middle
  }
  return low
}

function collect<V>(node: Leaf<V> | Branch<V>, key: Key, found: Key[]): void {
  if (node.kind === 'value') found.push(key)
  else for (const [name, child] of node.children) collect(child, key.child(name), found)
}
