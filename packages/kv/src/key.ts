import { codeMessages, type KvErrorCode } from './codes.ts'
import { compareSegments, measureSegment } from './segment.ts'

// A key may be refused and a refusal names its key: Key and KvError need each other, so they share this file.

const SLASH = 0x2f

export const MAX_KEY_BYTES = 1024

/** A key, or its text: `'/a/b'`, `'a/b'` and `'a//b/'` are the same key. */
export type KeyLike = Key | string

/**
 * The path of a value: immutable segments of well-formed Unicode, none of them empty, `.` or `..`, without `/` and NUL,
 * at most 255 bytes of UTF-8 each and 1024 in all, counting one separator between two segments.
 */
export class Key {
  readonly segments: readonly string[]
  readonly #bytes: number

  private constructor(segments: string[], bytes: number) {
    this.segments = Object.freeze(segments)
    this.#bytes = bytes
  }

  static readonly root: Key = new Key([], 0)

  /** Splits at `/`; empty segments are dropped. Throws KvError KV_KEY_INVALID. */
  static parse(path: string): Key {
    const segments: string[] = []
    const end = path.length
    let from = 0
    for (let i = 0; i <= end; i++) {
      if (i < end && path.charCodeAt(i) !== SLASH) continue
      if (i > from) segments.push(path.slice(from, i))
      from = i + 1
    }
    return Key.#from(segments)
  }

  /** Throws KvError KV_KEY_INVALID. */
  static of(...segments: string[]): Key {
    return Key.#from(segments)
  }

  static #from(segments: string[]): Key {
    if (segments.length === 0) return Key.root
    let bytes = segments.length - 1
    for (const segment of segments) bytes += segmentBytes(segment)
    if (bytes > MAX_KEY_BYTES)
      throw new KvError('KV_KEY_INVALID', { message: 'a key is too long', limit: MAX_KEY_BYTES })
    return new Key(segments, bytes)
  }

  /** The last segment; `''` for the root. */
  get basename(): string {
    return this.segments.at(-1) ?? ''
  }

  /** The root is its own parent. */
  get parent(): Key {
    const n = this.segments.length
    if (n <= 1) return Key.root
    return new Key(this.segments.slice(0, n - 1), this.#bytes - 1 - segmentBytes(this.segments[n - 1]!))
  }

  /** Throws KvError KV_KEY_INVALID. */
  child(segment: string): Key {
    return Key.#from([...this.segments, segment])
  }

  /** Throws KvError KV_KEY_INVALID when the whole is too long. */
  join(key: Key): Key {
    return Key.#from([...this.segments, ...key.segments])
  }

  /** Whether `key` is this key or one of its ancestors. */
  startsWith(key: Key): boolean {
    const n = key.segments.length
    if (n > this.segments.length) return false
    for (let i = 0; i < n; i++) if (this.segments[i] !== key.segments[i]) return false
    return true
  }

  equals(key: Key): boolean {
    return this.segments.length === key.segments.length && this.startsWith(key)
  }

  /** Segment by segment in UTF-8 byte order; an ancestor comes before what lies below it. */
  static compare(a: Key, b: Key): number {
    const n = Math.min(a.segments.length, b.segments.length)
    for (let i = 0; i < n; i++) {
      const order = compareSegments(a.segments[i]!, b.segments[i]!)
      if (order !== 0) return order
    }
    return a.segments.length - b.segments.length
  }

  /** Starts with `/` always; `Key.parse` gives the same key back. */
  toString(): string {
    return `/${this.segments.join('/')}`
  }
}

/** The key that `key` names. A key of another copy of this package is checked like text. */
export function toKey(key: KeyLike): Key {
  if (typeof key === 'string') return Key.parse(key)
  if (key instanceof Key) return key
  const segments = (key as { segments?: unknown } | null | undefined)?.segments
  if (!Array.isArray(segments)) throw new TypeError('a key is a Key or a string')
  return Key.of(...segments)
}

function segmentBytes(segment: string): number {
  const bytes = measureSegment(segment)
  if (typeof bytes === 'number') return bytes
  throw new KvError('KV_KEY_INVALID', { message: `${bytes}: ${JSON.stringify(String(segment).slice(0, 64))}` })
}

export interface KvErrorDetail {
  /** What is wrong, when the code alone does not say it. Never bytes of a value. */
  readonly message?: string | undefined
  /** The key that the failed operation named. */
  readonly key?: Key | undefined
  /** With KV_TOO_LARGE: the limit that was passed. */
  readonly limit?: number | undefined
  /** What the storage below said. */
  readonly cause?: unknown
}

/** An operation of a store that cannot succeed. Match it by `code`, not by class. */
export class KvError extends Error {
  readonly code: KvErrorCode
  declare readonly key?: Key
  declare readonly limit?: number
  declare readonly cause?: unknown

  constructor(code: KvErrorCode, detail: KvErrorDetail = {}) {
    const { key, limit, cause } = detail
    const where = key ? `: ${JSON.stringify(key.toString())}` : ''
    const bound = limit === undefined ? '' : ` (limit ${limit})`
    super((detail.message ?? codeMessages[code]) + where + bound, cause === undefined ? undefined : { cause })
    this.name = 'KvError'
    this.code = code
    if (key) this.key = key
    if (limit !== undefined) this.limit = limit
  }
}
