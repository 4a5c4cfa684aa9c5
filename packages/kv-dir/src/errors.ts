import { errorCode, type Key, KvError, type KvErrorCode } from '@fata/kv'

const CODES: Readonly<Record<string, KvErrorCode>> = {
  ENOSPC: 'KV_NO_SPACE',
  EDQUOT: 'KV_NO_SPACE',
  EFBIG: 'KV_TOO_LARGE',
  ENAMETOOLONG: 'KV_KEY_INVALID',
  EILSEQ: 'KV_KEY_INVALID',
}

/** Node's code of a failed system call. */
export function errno(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' && !errorCode(error) ? code : undefined
}

/** Nothing is there, or what is above it is no directory. */
export function isAbsent(error: unknown): boolean {
  const code = errno(error)
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/** The error of a system call as the store's; every other error as it is. */
export function toKvError(error: unknown, key?: Key): unknown {
  const code = errno(error)
  return code ? new KvError(CODES[code] ?? 'KV_IO', { key, cause: error }) : error
}

export function ioError(message: string, key?: Key, cause?: unknown): KvError {
  return new KvError('KV_IO', { message, key, cause })
}
