import { errorCode, type Key, KvError } from '@fata/kv'

/** KV_CORRUPT: the bytes at `offset` of the archive are not what an archive has there. */
export class TarCorruptError extends KvError {
  /** Of the header of the entry, or of the byte of a value that is not there any more. */
  readonly offset: number

  constructor(offset: number, message: string, key?: Key) {
    super('KV_CORRUPT', { message: `${message}, at byte ${offset}`, key })
    this.offset = offset
  }
}

/** What a source failed with as the store's error; an abort and an error of the store as they are. */
export function toKvError(error: unknown, key?: Key, signal?: AbortSignal): unknown {
  if (signal?.aborted || errorCode(error)) return error
  const code = (error as { code?: unknown } | undefined)?.code
  const isFull = code === 'ENOSPC' || code === 'EDQUOT'
  return new KvError(isFull ? 'KV_NO_SPACE' : 'KV_IO', { key, cause: error })
}
