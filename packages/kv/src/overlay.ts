import { type Key, KvError } from './key.ts'
import type { KvKind } from './store.ts'

/** What a batch asks about the state that it starts from. `values`: the keys of all values at and below `key`. */
export type KvQuery = { readonly ask: 'kind'; readonly key: Key } | { readonly ask: 'values'; readonly key: Key }
type Answer = KvKind | undefined | readonly Key[]

/** A computation that asks about the state below it; `plan.ts` answers, at once or in time. */
export type Asking<T> = Generator<KvQuery, T, Answer>

/** Where the bytes of a value come from: the batch itself, or what was bound to a key before it. */
export type KvSource = { readonly value: Uint8Array } | { readonly from: Key }

/** An operation with its keys parsed and its value owned. */
export type OwnedOp =
  | { readonly op: 'set'; readonly key: Key; readonly value: Uint8Array }
  | { readonly op: 'remove'; readonly key: Key }
  | { readonly op: 'rename'; readonly source: Key; readonly dest: Key }

interface Node {
  readonly key: Key
  readonly children: Map<string, Node>
  /** The state below is hidden, here and further down. */
  hides: boolean
  source: KvSource | undefined
}

function node(key: Key): Node {
  return { key, children: new Map(), hides: false, source: undefined }
}

/** The state after the operations so far, as a difference to the state below; applies the rules of every operation. */
export class Overlay {
  readonly root: Node

  constructor(root: Key) {
    this.root = node(root)
  }

  *apply(op: OwnedOp): Asking<void> {
    if (op.op === 'set') return yield* this.#set(op.key, { value: op.value })
    if (op.op === 'remove') return yield* this.#remove(op.key)
    return yield* this.#rename(op.source, op.dest)
  }

  *kind(key: Key): Asking<KvKind | undefined> {
    if (key.segments.length === 0) return 'dictionary'
    const { at, hidden, below } = this.#find(key)
    if (below) return undefined
    if (at?.source) return 'value'
    if (at && holdsValue(at)) return 'dictionary'
    if (hidden) return undefined
    const kind = (yield { ask: 'kind', key }) as KvKind | undefined
    if (kind !== 'dictionary' || !at) return kind
    for (const value of (yield { ask: 'values', key }) as readonly Key[]) {
      if (!this.#find(value).hidden) return 'dictionary'
    }
    return undefined
  }

  /** Where the value comes from; the key has to be one. */
  source(key: Key): KvSource {
    return this.#find(key).at?.source ?? { from: key }
  }

  /** All values at and below the key, in no order. */
  *values(key: Key): Asking<Array<{ key: Key; source: KvSource }>> {
    const { at, hidden } = this.#find(key)
    const found: Array<{ key: Key; source: KvSource }> = []
    if (at) for (const { key, source } of changed(at)) if (source) found.push({ key, source })
    if (hidden) return found
    for (const value of (yield { ask: 'values', key }) as readonly Key[]) {
      if (!this.#find(value).hidden) found.push({ key: value, source: { from: value } })
    }
    return found
  }

  *#set(key: Key, source: KvSource): Asking<void> {
    const kind = yield* this.kind(key)
    if (kind === 'dictionary') throw new KvError('KV_VALUE_EXPECTED', { key })
    if (kind === undefined) yield* this.#refuseBelowValue(key)
    this.#put(key, source)
  }

  *#refuseBelowValue(key: Key): Asking<void> {
    for (let above = key.parent; above.segments.length > 0; above = above.parent) {
      const kind = yield* this.kind(above)
      if (kind === 'value') throw new KvError('KV_DICTIONARY_EXPECTED', { key })
      if (kind === 'dictionary') return
    }
  }

  *#remove(key: Key): Asking<void> {
    if ((yield* this.kind(key)) !== undefined) this.#cut(key)
  }

  *#rename(source: Key, dest: Key): Asking<void> {
    const kind = yield* this.kind(source)
    if (kind === undefined) throw new KvError('KV_NOT_FOUND', { key: source })
    if (source.equals(dest)) return
    if (dest.startsWith(source)) throw new KvError('KV_RENAME_SOURCE_PREFIX', { key: source })
    const target = yield* this.#target(source, kind, dest)
    if (target.equals(source)) return
    const moved = yield* this.values(source)
    this.#cut(source)
    for (const { key, source: from } of moved) this.#put(rebase(key, source, target), from)
  }

  *#target(source: Key, kind: KvKind, dest: Key): Asking<Key> {
    const there = yield* this.kind(dest)
    if (there === 'value' && kind === 'dictionary') throw new KvError('KV_VALUE_EXPECTED', { key: source })
    if (there === undefined) yield* this.#refuseBelowValue(dest)
    if (there !== 'dictionary') return dest
    const inside = dest.child(source.basename)
    if (inside.equals(source)) return inside
    const taken = yield* this.kind(inside)
    const replaces = taken === 'value' && kind === 'value'
    if (taken !== undefined && !replaces) throw new KvError('KV_ALREADY_PRESENT', { key: dest })
    return inside
  }

  #find(key: Key): { at: Node | undefined; hidden: boolean; below: boolean } {
    let at: Node | undefined = this.root
    let hidden = at.hides
    for (const segment of key.segments) {
      if (at.source) return { at: undefined, hidden: true, below: true }
      at = at.children.get(segment)
      if (!at) return { at, hidden, below: false }
      hidden ||= at.hides
    }
    return { at, hidden, below: false }
  }

  #put(key: Key, source: KvSource): void {
    const at = this.#grow(key)
    at.hides = true
    at.source = source
  }

  #cut(key: Key): void {
    const at = this.#grow(key)
    at.children.clear()
    at.hides = true
    at.source = undefined
  }

  #grow(key: Key): Node {
    let at = this.root
    for (const segment of key.segments) {
      let next = at.children.get(segment)
      if (!next) at.children.set(segment, (next = node(at.key.child(segment))))
      at = next
    }
    return at
  }
}

/** `key`, which lies at or below `from`, moved with it to `to`. */
export function rebase(key: Key, from: Key, to: Key): Key {
  let moved = to
  for (const segment of key.segments.slice(from.segments.length)) moved = moved.child(segment)
  return moved
}

/** All nodes of the overlay at and below `at` that say something about values. */
export function* changed(at: Node): Generator<Node> {
  if (at.hides) yield at
  for (const child of at.children.values()) yield* changed(child)
}

function holdsValue(at: Node): boolean {
  for (const child of at.children.values()) if (child.source || holdsValue(child)) return true
  return false
}
