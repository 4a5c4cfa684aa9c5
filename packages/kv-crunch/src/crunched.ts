import {
  equalBytes,
  errorCode,
  indexed,
  Key,
  KeyTree,
  type KvCapabilities,
  KvError,
  type KvIndexed,
  type KvRo,
  sha256,
} from '@fata/kv'
import { fetchBytes, fromBase64, inflate } from './bytes.ts'

/** A file as a module has it. */
export interface CrunchedFile {
  /** Segments with `/` between them. */
  readonly key: string
  readonly size: number
  /** In base64. */
  readonly sha256: string
  /** The bytes, in one of three ways: in base64; by deflate (RFC 1951), then in base64; beside the module. */
  readonly base64?: string
  readonly deflate?: string
  readonly asset?: URL
}

/** What a module made by `kv-crunch` opens. */
export interface CrunchedModule {
  /** Milliseconds since 1970, of every file. */
  readonly lastModified: number
  readonly files: readonly CrunchedFile[]
}

interface Value extends KvIndexed {
  readonly file: CrunchedFile
  /** Once it was asked for. */
  bytes: Promise<Uint8Array> | undefined
}

const capabilities: KvCapabilities = Object.freeze({
  durability: 'none',
  digest: 'sha256',
  maxValueBytes: 1024 * 1024 * 1024,
  maxBatchOps: 0,
  maxBatchBytes: 0,
  lastModifiedResolutionMs: 1,
  appendOnly: false,
  keyNames: 'exact',
})

/**
 * The files of a module as a store. A value is decoded when it is first read, and kept. Throws KvError KV_KEY_INVALID, and
 * KV_CORRUPT when two files cannot be side by side. Reading rejects with KV_CORRUPT when a value is not what was crunched, and
 * with KV_IO when an asset cannot be had.
 */
export function openCrunched({ lastModified, files }: CrunchedModule): KvRo {
  const tree = new KeyTree<Value>()
  for (const file of files) {
    const key = Key.parse(file.key)
    const value = { file, size: file.size, lastModified, digest: fromBase64(file.sha256), bytes: undefined }
    if (tree.kind(key) || !tree.set(key, value)) throw new KvError('KV_CORRUPT', { key })
  }
  const read = async (value: Value, offset: number, length: number, key: Key, signal: AbortSignal | undefined) => {
    value.bytes ??= decode(value, key)
    const bytes = await abortable(value.bytes, signal).catch((error: unknown) => {
      if (!signal?.aborted) value.bytes = undefined
      throw error
    })
    return bytes.slice(offset, offset + length)
  }
  return indexed(tree, { capabilities, read })
}

async function decode({ file, digest }: Value, key: Key): Promise<Uint8Array> {
  const { base64, deflate, asset, size } = file
  try {
    if (base64 !== undefined) return whole(fromBase64(base64), size, key)
    if (deflate !== undefined) return whole(await inflate(fromBase64(deflate)), size, key)
  } catch (cause) {
    throw errorCode(cause) ? cause : new KvError('KV_CORRUPT', { key, cause })
  }
  if (!asset) throw new KvError('KV_CORRUPT', { key, message: 'the module has no bytes of the file' })
  const bytes = await fetchBytes(asset).catch((cause: unknown) => {
    throw new KvError('KV_IO', { key, cause })
  })
  // Whatever lies beside a module may have been replaced.
  if (!digest || !equalBytes(sha256(bytes), digest)) throw new KvError('KV_CORRUPT', { key, message: 'another asset' })
  return bytes
}

function whole(bytes: Uint8Array, size: number, key: Key): Uint8Array {
  if (bytes.length !== size) throw new KvError('KV_CORRUPT', { key })
  return bytes
}

/** Who waits may go; what others wait for goes on. */
function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
