import { errorCode } from '../codes.ts'
import { type Key, KvError } from '../key.ts'
import { checkRange } from '../partial.ts'
import { compareSegments } from '../segment.ts'
import type { KvKind, KvListOptions, KvOptions, KvRo } from '../store.ts'
import { isOwn, mayBeRemoved } from './removed.ts'

const PAGE = 1000

type Children = Array<[Key, KvKind]>

/** What is bound to a key, and in which of the two. */
export interface Found {
  readonly kind: KvKind
  readonly kv: KvRo
}

/** One store over another one, without what is marked as removed. */
export class Merged {
  readonly #top: KvRo
  readonly #below: KvRo

  constructor(top: KvRo, below: KvRo) {
    this.#top = top
    this.#below = below
  }

  async find(key: Key, o: KvOptions | undefined): Promise<Found | undefined> {
    const kind = await this.#top.exists(key, o)
    if (kind) return { kind, kv: this.#top }
    if (await hides(this.#top, key, o)) return undefined
    const below = await this.#below.exists(key, o)
    return below && (await this.#isVisible(key, below, o)) ? { kind: below, kv: this.#below } : undefined
  }

  async list(key: Key, o: KvListOptions = {}): Promise<Children> {
    const { limit = Number.POSITIVE_INFINITY } = o
    checkRange('limit', o.limit ?? 0, key)
    const found = await this.find(key, o)
    if (!found) throw new KvError('KV_NOT_FOUND', { key })
    if (found.kind === 'value') throw new KvError('KV_DICTIONARY_EXPECTED', { key })
    const children = new Map<string, [Key, KvKind]>()
    // The view's own one may be among them.
    const above = await this.#top.list(key, { ...o, limit: o.limit === undefined ? undefined : limit + 1 }).catch(none)
    for (const child of above) if (!isOwn(child[0])) children.set(child[0].basename, child)
    if (limit > 0 && !(await hides(this.#top, key, o))) {
      for (const child of await this.#visible(key, o, limit)) {
        if (!children.has(child[0].basename)) children.set(child[0].basename, child)
      }
    }
    const sorted = [...children.values()].sort(([a], [b]) => compareSegments(a.basename, b.basename))
    return sorted.slice(0, limit)
  }

  /** The keys of all values at and below the key. */
  async values(key: Key): Promise<Key[]> {
    const found = await this.find(key, undefined)
    if (found?.kind !== 'dictionary') return found ? [key] : []
    const values: Key[] = []
    for (const [child, kind] of await this.list(key)) {
      if (kind === 'value') values.push(child)
      else values.push(...(await this.values(child)))
    }
    return values
  }

  /** Children of the store below that are not removed; so many, or all there are. */
  async #visible(key: Key, o: KvListOptions, limit: number): Promise<Children> {
    const visible: Children = []
    const areMarked = (await mayBeRemoved(this.#top, key, o)) === 'some'
    let { after } = o
    while (visible.length < limit) {
      const page = await this.#below.list(key, { ...o, after, limit: Math.min(PAGE, limit) }).catch(none)
      for (const [child, kind] of page) {
        if (!areMarked || (await this.#isVisible(child, kind, o))) visible.push([child, kind])
      }
      if (page.length < Math.min(PAGE, limit)) break
      after = page.at(-1)![0].basename
    }
    return visible
  }

  /** Of what the store below has: whether it, or something in it, is not removed. */
  async #isVisible(key: Key, kind: KvKind, o: KvOptions | undefined): Promise<boolean> {
    if (key.segments.length === 0) return true
    const removed = await mayBeRemoved(this.#top, key, o)
    if (kind === 'value' || !removed) return removed !== 'one'
    let after: string | undefined
    for (;;) {
      const page = await this.#below.list(key, { ...o, after, limit: PAGE }).catch(none)
      for (const [child, kind] of page) if (await this.#isVisible(child, kind, o)) return true
      if (page.length < PAGE) return false
      after = page.at(-1)![0].basename
    }
  }
}

/** Whether the store has a value above the key, where it has nothing. */
async function hides(kv: KvRo, key: Key, o: KvOptions | undefined): Promise<boolean> {
  for (let above = key.parent; above.segments.length > 0; above = above.parent) {
    const kind = await kv.exists(above, o)
    if (kind) return kind === 'value'
  }
  return false
}

function none(error: unknown): Children {
  const code = errorCode(error)
  if (code === 'KV_NOT_FOUND' || code === 'KV_DICTIONARY_EXPECTED') return []
  throw error
}
