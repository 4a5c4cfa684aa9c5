import { type Key, KeyTree, KvError, type KvIndexed } from '@fata/kv'
import type { SkipReason } from './core/entry.ts'
import { type ScanSink, scan } from './core/scan.ts'
import type { Scan } from './core/window.ts'
import { TarCorruptError, toKvError } from './errors.ts'
import type { ResolvedOptions } from './options.ts'
import type { TarSource } from './source.ts'

/** A value, by where its bytes are in the archive. */
export interface TarValue extends KvIndexed {
  readonly offset: number
}

/** How many entries were no values, by reason. */
export type Skipped = Readonly<Partial<Record<SkipReason, number>>>

/** What is known of an archive without its values. */
export interface Archive {
  readonly tree: KeyTree<TarValue>
  readonly skipped: Skipped
  /** Where the next entry would be. */
  readonly end: number
}

/** Reads the headers. Rejects with KvError KV_CORRUPT, KV_TOO_LARGE, KV_IO, or the reason of an abort. */
export async function readArchive(source: TarSource, options: ResolvedOptions): Promise<Archive> {
  const { maxEntries, maxHeaderBytes, onSkipped, signal } = options
  const tree = new KeyTree<TarValue>()
  const skipped: Partial<Record<SkipReason, number>> = {}
  const sink: ScanSink = {
    put(key, { offset, size, lastModified }) {
      if (!tree.set(key, { offset, size, lastModified, digest: undefined })) return false
      if (tree.size > maxEntries) {
        throw new KvError('KV_TOO_LARGE', { message: 'too many values in the archive', limit: maxEntries })
      }
      return true
    },
    skip(entry) {
      skipped[entry.reason] = (skipped[entry.reason] ?? 0) + 1
      onSkipped(entry)
    },
  }
  const end = await run(scan(sink, maxHeaderBytes), source, signal)
  return { tree, skipped: Object.freeze(skipped), end }
}

async function run<T>(scanning: Scan<T>, source: TarSource, signal: AbortSignal | undefined): Promise<T> {
  let step = scanning.next()
  while (!step.done) {
    const { offset, length, into } = step.value
    step = scanning.next(await guarded(() => readHeaders(source, offset, length, into, signal), undefined, signal))
  }
  return step.value
}

/** The bytes of a value, all of them. */
export async function readValue(
  source: TarSource,
  value: TarValue,
  offset: number,
  length: number,
  key: Key,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const at = value.offset + offset
  const bytes = await guarded(() => source.read(at, length, signal), key, signal)
  if (bytes.length < length) throw new TarCorruptError(at + bytes.length, 'the archive ends within a value', key)
  return bytes
}

function readHeaders(
  source: TarSource,
  offset: number,
  length: number,
  into: Uint8Array,
  signal: AbortSignal | undefined,
): Uint8Array | Promise<Uint8Array> {
  const filled = source.readInto?.(into, offset, signal)
  if (filled === undefined) return source.read(offset, length, signal)
  return typeof filled === 'number' ? into.subarray(0, filled) : filled.then((n) => into.subarray(0, n))
}

async function guarded(
  read: () => Uint8Array | Promise<Uint8Array>,
  key: Key | undefined,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  signal?.throwIfAborted()
  try {
    return await read()
  } catch (error) {
    throw toKvError(error, key, signal)
  }
}
