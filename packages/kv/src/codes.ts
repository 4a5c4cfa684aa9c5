/** Stable: a code changes only with a major. Messages may change at any time. */
export type KvErrorCode =
  | 'KV_NOT_FOUND'
  | 'KV_VALUE_EXPECTED'
  | 'KV_DICTIONARY_EXPECTED'
  | 'KV_NO_SPACE'
  | 'KV_RENAME_SOURCE_PREFIX'
  | 'KV_ALREADY_PRESENT'
  | 'KV_KEY_INVALID'
  | 'KV_RANGE'
  | 'KV_TOO_LARGE'
  | 'KV_CHECK_FAILED'
  | 'KV_NOT_SUPPORTED'
  | 'KV_OUTCOME_UNKNOWN'
  | 'KV_IO'
  | 'KV_CORRUPT'
  | 'KV_LOCKED'
  | 'KV_CLOSED'

/** What each code means. */
export const codeMessages: Readonly<Record<KvErrorCode, string>> = Object.freeze({
  KV_NOT_FOUND: 'nothing is bound to the key',
  KV_VALUE_EXPECTED: 'the key is a dictionary, a value was expected',
  KV_DICTIONARY_EXPECTED: 'the key is a value or lies below one, a dictionary was expected',
  KV_NO_SPACE: 'no space is left in the store',
  KV_RENAME_SOURCE_PREFIX: 'a dictionary cannot be moved into itself',
  KV_ALREADY_PRESENT: 'something is bound to the key already',
  KV_KEY_INVALID: 'not a key',
  KV_RANGE: 'offset or length out of range',
  KV_TOO_LARGE: 'larger than the store allows',
  KV_CHECK_FAILED: 'the key is not in the state that the batch was made for',
  KV_NOT_SUPPORTED: 'the store cannot do that',
  KV_OUTCOME_UNKNOWN: 'it is unknown whether the write happened',
  KV_IO: 'the storage failed',
  KV_CORRUPT: 'the storage holds what no store wrote',
  KV_LOCKED: 'another writer has the store open',
  KV_CLOSED: 'the store is disconnected',
})

/** The code of a store's error, from whichever copy of this package it came; undefined for every other error. */
export function errorCode(error: unknown): KvErrorCode | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' && Object.hasOwn(codeMessages, code) ? (code as KvErrorCode) : undefined
}
