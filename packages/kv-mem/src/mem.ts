import {
  checkLimits,
  checkRange,
  copyValue,
  createFeed,
  equalBytes,
  type Feed,
  Key,
  type KeyLike,
  type KvAllocateOptions,
  type KvBatch,
  type KvBatchOptions,
  type KvChange,
  type KvCheck,
  KvError,
  type KvNet,
  type KvOp,
  type KvOptions,
  type KvRo,
  type KvSnapshot,
  type KvWatch,
  type OwnedOp,
  ownOps,
  planBatch,
  toKey,
  writePart,
} from '@fata/kv'
import { type MemOptions, type ResolvedOptions, resolveOptions } from './options.ts'
import { nodeDigest, Reader } from './reader.ts'
import { emptyTree, find, type ValueNode, valuesBelow, withoutValue, withValue } from './tree.ts'

/** An empty store in memory. Every operation takes effect within its call. Throws RangeError, TypeError. */
export function createMem(options: MemOptions = {}): KvBatch & KvWatch & KvSnapshot {
  return new Mem(resolveOptions(options))
}

class Mem extends Reader implements KvBatch, KvWatch, KvSnapshot {
  readonly #options: ResolvedOptions
  readonly #feed: Feed
  /** Whoever wants to keep the tree as it is raises it. */
  #epoch = 0
  #bytes = 0
  #time = Number.NEGATIVE_INFINITY

  constructor(options: ResolvedOptions) {
    const { maxValueBytes, maxBatchOps, maxBatchBytes } = options
    const capabilities = Object.freeze({
      durability: 'none',
      digest: 'sha256',
      maxValueBytes,
      maxBatchOps,
      maxBatchBytes,
      lastModifiedResolutionMs: 1,
      appendOnly: false,
      keyNames: 'exact',
    } as const)
    super(capabilities, emptyTree(0))
    this.#options = options
    this.#feed = createFeed(options)
  }

  async set(key: KeyLike, value: Uint8Array, options?: KvOptions): Promise<void> {
    this.refuse(options)
    this.#commit([{ op: 'set', key: toKey(key), value: copyValue(value) }])
  }

  async setPartial(key: KeyLike, offset: number, value: Uint8Array, options?: KvOptions): Promise<void> {
    this.refuse(options)
    const parsed = toKey(key)
    const part = copyValue(value)
    const node = find(this.root, parsed.segments)
    if (node?.kind === 'dictionary') throw new KvError('KV_VALUE_EXPECTED', { key: parsed })
    const old = node?.bytes ?? new Uint8Array(0)
    checkRange('offset', offset, parsed)
    if (offset <= old.length && offset + part.length > this.#options.maxValueBytes) {
      throw new KvError('KV_TOO_LARGE', { key: parsed, limit: this.#options.maxValueBytes })
    }
    this.#commit([{ op: 'set', key: parsed, value: writePart(old, offset, part, parsed) }])
  }

  async remove(key: KeyLike, options?: KvOptions): Promise<void> {
    this.refuse(options)
    this.#commit([{ op: 'remove', key: toKey(key) }])
  }

  async rename(source: KeyLike, dest: KeyLike, options?: KvOptions): Promise<void> {
    this.refuse(options)
    this.#commit([{ op: 'rename', source: toKey(source), dest: toKey(dest) }])
  }

  async allocate(key: KeyLike, size: number, options?: KvAllocateOptions): Promise<void> {
    this.refuse(options)
    const parsed = toKey(key)
    checkRange('size', size, parsed)
    if (options?.lastModified !== undefined) checkRange('lastModified', options.lastModified, parsed)
    if (size > this.#options.maxValueBytes) {
      throw new KvError('KV_TOO_LARGE', { key: parsed, limit: this.#options.maxValueBytes })
    }
    if (find(this.root, parsed.segments)) throw new KvError('KV_ALREADY_PRESENT', { key: parsed })
    this.#commit([{ op: 'set', key: parsed, value: new Uint8Array(size) }], options?.lastModified)
  }

  async batch(ops: readonly KvOp[], options?: KvBatchOptions): Promise<void> {
    this.refuse(options)
    const owned = ownOps(ops)
    for (const check of options?.checks ?? []) this.#check(check)
    this.#commit(owned)
  }

  watch(prefix: KeyLike, options: { readonly signal: AbortSignal }): AsyncIterable<KvChange> {
    return this.#feed.watch(prefix, options)
  }

  async snapshot(): Promise<KvRo> {
    this.refuse(undefined)
    this.#epoch++
    return new Reader(this.capabilities, this.root)
  }

  override async disconnect(): Promise<void> {
    this.closed = true
    this.#feed.close()
  }

  #check({ key, digest }: KvCheck): void {
    const parsed = toKey(key)
    const node = find(this.root, parsed.segments)
    const holds = digest === null ? !node : node?.kind === 'value' && equalBytes(nodeDigest(node), digest)
    if (!holds) throw new KvError('KV_CHECK_FAILED', { key: parsed })
  }

  #commit(ops: readonly OwnedOp[], lastModified?: number): void {
    checkLimits(ops, this.capabilities)
    const net = planBatch(ops, {
      kind: (key) => find(this.root, key.segments)?.kind,
      values: (key) => valuesBelow(find(this.root, key.segments), key),
    })
    const time = this.#tick()
    const sets = net.sets.map((set) => {
      const bytes = 'from' in set ? this.#valueAt(set.from)!.bytes : set.value
      const before = this.#valueAt(set.key)?.lastModified ?? time
      const value: ValueNode = {
        kind: 'value',
        bytes,
        lastModified: lastModified ?? Math.max(time, before),
        digest: undefined,
      }
      return { key: set.key, value }
    })
    this.#reserve(net, sets)
    for (const key of net.removes) this.root = withoutValue(this.root, key, this.#epoch)
    for (const { key, value } of sets) this.root = withValue(this.root, key, value, this.#epoch)
    this.#publish(net)
  }

  /** Throws KvError KV_NO_SPACE, before anything has changed. */
  #reserve(net: KvNet, sets: ReadonlyArray<{ key: Key; value: ValueNode }>): void {
    let bytes = this.#bytes
    for (const key of net.removes) bytes -= this.#valueAt(key)!.bytes.length
    for (const { key, value } of sets) bytes += value.bytes.length - (this.#valueAt(key)?.bytes.length ?? 0)
    if (bytes > this.#options.maxBytes && bytes > this.#bytes) {
      throw new KvError('KV_NO_SPACE', { limit: this.#options.maxBytes })
    }
    this.#bytes = bytes
  }

  #publish({ removes, sets }: KvNet): void {
    const changes = [
      ...removes.map((key) => ({ op: 'remove' as const, key })),
      ...sets.map(({ key }) => ({ op: 'set' as const, key })),
    ]
    if (changes.length > 0) this.#feed.publish(changes.sort((a, b) => Key.compare(a.key, b.key)))
  }

  #valueAt(key: Key): ValueNode | undefined {
    const node = find(this.root, key.segments)
    return node?.kind === 'value' ? node : undefined
  }

  /** The clock, but never backwards. */
  #tick(): number {
    this.#time = Math.max(this.#time, Math.floor(this.#options.now()))
    return this.#time
  }
}
