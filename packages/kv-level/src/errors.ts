import { errorCode, type Key, KvError, type KvErrorCode } from '@fata/kv'

const CODES: Readonly<Record<string, KvErrorCode>> = {
  LEVEL_LOCKED: 'KV_LOCKED',
  LEVEL_CORRUPTION: 'KV_CORRUPT',
  LEVEL_DATABASE_NOT_OPEN: 'KV_CLOSED',
  LEVEL_SNAPSHOT_NOT_OPEN: 'KV_CLOSED',
  LEVEL_ITERATOR_NOT_OPEN: 'KV_CLOSED',
}
/** LevelDB says it in words only; browsers by the name of the error. */
const NO_SPACE = /no space left|disk quota exceeded|QuotaExceeded/i

/** The error of an engine that failed to read, as the store's. The store's own errors stay as they are. */
export function toReadError(error: unknown, key?: Key): unknown {
  if (errorCode(error) || error instanceof TypeError) return error
  return new KvError(CODES[levelCode(error) ?? ''] ?? 'KV_IO', { key, cause: error })
}

/** The error of an engine that failed to write. It may have written all the same, unless it had no room to, or was closed. */
export function toWriteError(error: unknown): KvError {
  if (levelCode(error) === 'LEVEL_DATABASE_NOT_OPEN') return new KvError('KV_CLOSED', { cause: error })
  return new KvError(isNoSpace(error) ? 'KV_NO_SPACE' : 'KV_OUTCOME_UNKNOWN', { cause: error })
}

/** Of an engine that cannot be opened: the reason is the cause of the error that it gives. */
export function toOpenError(error: unknown): unknown {
  const cause = (error as { cause?: unknown } | undefined)?.cause ?? error
  if (errorCode(cause)) return cause
  const code = isNoSpace(cause) ? 'KV_NO_SPACE' : (CODES[levelCode(cause) ?? ''] ?? 'KV_IO')
  return new KvError(code === 'KV_CLOSED' ? 'KV_IO' : code, { cause })
}

function levelCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

function isNoSpace(error: unknown): boolean {
  const { name, message, code } = (error ?? {}) as Partial<Record<'name' | 'message' | 'code', unknown>>
  return code === 'ENOSPC' || NO_SPACE.test(`${String(name)} ${String(message)}`)
}
