import { Key, KvError, toKey } from './key.ts'
import { type Asking, changed, type KvQuery, type KvSource, Overlay, type OwnedOp } from './overlay.ts'
import type { KvCapabilities, KvKind, KvOp } from './store.ts'

/** The state that a batch starts from, for stores that know it at once. */
export interface KvView {
  /** undefined: nothing is bound there, also below a value. */
  kind(key: Key): KvKind | undefined
  /** The keys of all values at and below the key. */
  values(key: Key): readonly Key[]
}

/** The same for stores that must ask for it. */
export interface KvAsyncView {
  kind(key: Key): Promise<KvKind | undefined>
  values(key: Key): Promise<readonly Key[]>
}

/**
 * What a batch comes to: `removes` first, then `sets`; no key twice, each in Key order. Every removed key is a value of the
 * state before; `from` names where, in the state before, the bytes are.
 */
export interface KvNet {
  readonly removes: readonly Key[]
  readonly sets: ReadonlyArray<{ readonly key: Key } & KvSource>
}

/** Parses the keys and copies the values. Throws KvError KV_KEY_INVALID, TypeError. */
export function ownOps(ops: readonly KvOp[]): OwnedOp[] {
  return ops.map((op): OwnedOp => {
    switch (op.op) {
      case 'set':
        return { op: 'set', key: toKey(op.key), value: copyValue(op.value) }
      case 'remove':
        return { op: 'remove', key: toKey(op.key) }
      case 'rename':
        return { op: 'rename', source: toKey(op.source), dest: toKey(op.dest) }
      default:
        throw new TypeError(`no operation ${JSON.stringify((op as { op: unknown }).op)}`)
    }
  })
}

/** A copy that no caller can change. Throws TypeError. */
export function copyValue(value: Uint8Array): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError('a value is a Uint8Array')
  // slice() of a Buffer is a view of it.
  return new Uint8Array(value)
}

/** Throws KvError KV_TOO_LARGE, KV_NOT_SUPPORTED when the store does not allow so much, or such operations. */
export function checkLimits(ops: readonly OwnedOp[], limits: KvCapabilities): void {
  const { maxBatchOps, maxBatchBytes, maxValueBytes, appendOnly } = limits
  if (ops.length > maxBatchOps) {
    throw new KvError('KV_TOO_LARGE', { message: 'too many operations in a batch', limit: maxBatchOps })
  }
  let bytes = 0
  for (const op of ops) {
    if (op.op !== 'set') {
      if (appendOnly) throw new KvError('KV_NOT_SUPPORTED', { key: op.op === 'rename' ? op.source : op.key })
      continue
    }
    bytes += op.value.length
    if (op.value.length > maxValueBytes) throw new KvError('KV_TOO_LARGE', { key: op.key, limit: maxValueBytes })
  }
  if (ops.length > 1 && bytes > maxBatchBytes) {
    throw new KvError('KV_TOO_LARGE', { message: 'too many bytes in a batch', limit: maxBatchBytes })
  }
}

/** Applies the operations in order to the state of `view` and returns what they come to. Throws KvError by their rules. */
export function planBatch(ops: readonly OwnedOp[], view: KvView): KvNet {
  return answer(plan(ops), view)
}

export function planBatchAsync(ops: readonly OwnedOp[], view: KvAsyncView): Promise<KvNet> {
  return answerAsync(plan(ops), view)
}

function* plan(ops: readonly OwnedOp[]): Asking<KvNet> {
  const overlay = new Overlay(Key.root)
  for (const op of ops) yield* overlay.apply(op)
  return yield* net(overlay)
}

function* net(overlay: Overlay): Asking<KvNet> {
  const sets = new Map<string, { key: Key; source: KvSource }>()
  const removes = new Map<string, Key>()
  for (const { key, source } of changed(overlay.root)) {
    if (source) sets.set(key.toString(), { key, source })
    for (const before of (yield { ask: 'values', key }) as readonly Key[]) removes.set(before.toString(), before)
  }
  for (const [path, { key, source }] of sets) {
    removes.delete(path)
    if ('from' in source && source.from.equals(key)) sets.delete(path)
  }
  return {
    removes: [...removes.values()].sort(Key.compare),
    sets: [...sets.values()].sort((a, b) => Key.compare(a.key, b.key)).map(({ key, source }) => ({ key, ...source })),
  }
}

/** Runs a computation over a state that answers at once. */
export function answer<T>(asking: Asking<T>, view: KvView): T {
  let step = asking.next()
  while (!step.done)
    step = asking.next(step.value.ask === 'kind' ? view.kind(step.value.key) : view.values(step.value.key))
  return step.value
}

/** Runs a computation over a state that answers in time. */
export async function answerAsync<T>(asking: Asking<T>, view: KvAsyncView): Promise<T> {
  const ask = (query: KvQuery) => (query.ask === 'kind' ? view.kind(query.key) : view.values(query.key))
  let step = asking.next()
  while (!step.done) step = asking.next(await ask(step.value))
  return step.value
}
