import { Key, type KeyLike, toKey } from './key.ts'
import { rebase } from './overlay.ts'
import type { KvBatch, KvOp, KvOptions, KvRo, KvRw } from './store.ts'
import { walk } from './walk.ts'

/** A batch is written when it holds so much, or what the store allows if that is less. */
const BATCH_OPS = 256
const BATCH_BYTES = 4 * 1024 * 1024

export interface KvCopyOptions extends KvOptions {
  /** What to copy; default all. */
  readonly from?: KeyLike | undefined
  /** Where it goes; default the same place. */
  readonly to?: KeyLike | undefined
}

/**
 * Sets in `dest` every value of `source` at and below `from`, in Key order, and returns how many. In batches where `dest`
 * has them, but not as a whole: when it rejects, a part is copied. Removes nothing in `dest`.
 */
export async function copy(source: KvRo, dest: KvRw | KvBatch, options: KvCopyOptions = {}): Promise<number> {
  const from = toKey(options.from ?? Key.root)
  const to = toKey(options.to ?? from)
  const { signal } = options
  const out = createWriter(dest, signal)
  let copied = 0
  for await (const key of walk(source, from, { signal })) {
    const value = await source.get(key, { signal })
    if (!value) continue
    await out.set(rebase(key, from, to), value)
    copied++
  }
  await out.flush()
  return copied
}

interface Writer {
  set(key: Key, value: Uint8Array): Promise<void>
  flush(): Promise<void>
}

function createWriter(dest: KvRw | KvBatch, signal: AbortSignal | undefined): Writer {
  if (!('batch' in dest)) return { set: (key, value) => dest.set(key, value, { signal }), flush: async () => {} }
  const maxOps = Math.min(BATCH_OPS, dest.capabilities.maxBatchOps)
  const maxBytes = Math.min(BATCH_BYTES, dest.capabilities.maxBatchBytes)
  let ops: KvOp[] = []
  let bytes = 0
  const flush = async (): Promise<void> => {
    if (ops.length > 0) await dest.batch(ops, { signal })
    ops = []
    bytes = 0
  }
  return {
    async set(key, value) {
      if (ops.length >= maxOps || bytes + value.length > maxBytes) await flush()
      ops.push({ op: 'set', key, value })
      bytes += value.length
    },
    flush,
  }
}
